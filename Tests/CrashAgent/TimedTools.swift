// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure

/// How long, in milliseconds.
struct Span: Codable {
    let ms: Int
    var duration: Duration { .milliseconds(ms) }
}

/// Leaves a line in a file.
@discardableResult
private func leave(_ line: String, in path: String) throws -> Bool {
    let file = open(path, O_CREAT | O_APPEND | O_WRONLY, 0o600)
    defer { close(file) }
    let bytes = Array("\(line)\n".utf8)
    guard write(file, bytes, bytes.count) == bytes.count else { throw POSIXError(.EIO) }
    return true
}

/// A tool that waits without a process.
struct Nap: Tool {
    let name = "nap"
    let effect = ToolEffect.idempotent
    let effects: String
    let description = "Waits, and nothing runs while it does."

    func call(arguments: Span, context: ToolContext) async throws -> String {
        _ = try await context.step("lie down") { try leave("down 1", in: effects) }
        try await context.wait("rest", for: arguments.duration)
        _ = try await context.step("get up") { try leave("up 1", in: effects) }
        return "rested"
    }
}

/// A tool that has the session sent a message.
struct Remind: Tool {
    let name = "remind"
    let effect = ToolEffect.idempotent
    let effects: String
    let description = "Reminds."

    func call(arguments: Span, context: ToolContext) async throws -> String {
        let now = Int64(Date.now.timeIntervalSince1970 * 1000)
        try await context.schedule("reminder", at: now + Int64(arguments.ms), message: "Water the plants.")
        return "noted"
    }
}

/// A tool that says it may take longer than any invocation lasts, so that it is always left to the next one.
struct Work: Tool {
    let name = "work"
    let effects: String
    let description = "Works."
    let timeLimit: Duration? = .seconds(3600)

    func call(arguments: Span, context: ToolContext) async throws -> String {
        try leave("begin \(context.idempotencyKey)", in: effects)
        try await Task.sleep(for: arguments.duration)
        try leave("end \(context.idempotencyKey)", in: effects)
        return "worked"
    }
}

/// A tool that asks a person, who has so long.
struct Buy: Tool {
    let name = "buy"
    let effects: String
    let description = "Buys."

    func approval(for arguments: Span) -> ApprovalRequirement {
        .required(reason: "costly", within: arguments.duration)
    }

    func call(arguments: Span, context: ToolContext) async throws -> String {
        try leave("buy \(context.idempotencyKey)", in: effects)
        return "bought"
    }
}
