// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One of the tools of a `Life`. What it does is a line in a file: its name, the number that it was given, its key.
struct LifeTool: Tool {
    struct Arguments: Codable {
        let number: Int
        let minutes: Int
    }
    struct NoEffect: Error {}

    enum Kind {
        /// Takes effect.
        case act
        /// Does so if a person agrees within an hour.
        case ask
        /// Waits before.
        case rest
        /// Waits before for a signal, and no longer than it was given.
        case listen
        /// Has the session sent a message.
        case plan
        /// Takes effect in three steps.
        case steps
    }

    /// The tools of the version before or behind the upgrade: `fax` is gone, `mail` is new, and `send` has another effect.
    static func all(isUpgraded: Bool, _ scene: Scene) -> [any Tool] {
        func tool(_ name: String, _ effect: ToolEffect, _ kind: Kind = .act) -> LifeTool {
            LifeTool(name: name, effect: effect, kind: kind, scene: scene)
        }
        return [
            tool("look", .pure), tool("note", .idempotent), tool("charge", .once), tool("refund", .once, .ask),
            tool("rest", .idempotent, .rest), tool("listen", .idempotent, .listen), tool("plan", .idempotent, .plan),
            tool("steps", .idempotent, .steps),
            isUpgraded ? tool("send", .once) : tool("send", .idempotent),
            isUpgraded ? tool("mail", .idempotent) : tool("fax", .once, .ask),
        ]
    }

    /// What the tools of one invocation share.
    struct Scene {
        let file: String
        let boundary: Boundary
        let counter: Counter
        let now: Int
    }

    let name: String
    let effect: ToolEffect
    let kind: Kind
    let scene: Scene
    let description = "Acts."

    func approval(for arguments: Arguments) -> ApprovalRequirement {
        kind == .ask ? .required(reason: "It is a lot.", within: .seconds(3600)) : .notRequired
    }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let place = scene.counter.next()
        await scene.boundary.reached("claimed", place)
        try Task.checkCancellation()
        switch kind {
        case .act, .ask: break
        case .rest: try await context.wait("rest", for: .seconds(60 * arguments.minutes))
        case .listen:
            let time = Duration.seconds(60 * arguments.minutes)
            _ = try await context.waitForSignal("bell", as: Int.self, for: time)
        case .plan:
            let due = Int64(scene.now + 60_000 * arguments.minutes)
            try await context.schedule("reminder", at: due, message: "look \(arguments.number + 1_000_000)")
        case .steps:
            for part in 1...2 {
                _ = try await context.step("part \(part)") {
                    try append(arguments.number, context.idempotencyKey(forStep: "part \(part)"))
                    return part
                }
            }
        }
        try append(arguments.number, context.idempotencyKey)
        await scene.boundary.reached("effect", place)
        try Task.checkCancellation()
        return "done \(arguments.number)"
    }

    private func append(_ number: Int, _ key: String) throws {
        let descriptor = unsafe open(scene.file, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw NoEffect() }
        defer { close(descriptor) }
        let bytes = Array("\(name) \(number) \(key)\n".utf8)
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { throw NoEffect() }
    }
}
