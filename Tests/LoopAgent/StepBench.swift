// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How long steps take: in one tool call of an agent, and as the appends and syncs that they need at least.
enum StepBench {
    struct WriteFailed: Error {}

    /// Calls the tool once, and is done.
    private struct Script: LanguageModel {
        func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
            guard case .user = request.messages.last else { return ModelReply(text: "done") }
            let call = ToolCall(id: "1", name: "steps", arguments: "{}")
            return ModelReply(text: "", toolCalls: [call], finishReason: "tool_calls")
        }
    }

    private struct Steps: Tool {
        struct Arguments: Codable {}
        let effect = ToolEffect.idempotent
        let description = "Does many steps."
        let count: Int

        func call(arguments: Arguments, context: ToolContext) async throws -> Int {
            var sum = 0
            // What is read or made once in a process is not part of it.
            _ = try await context.step("first") { 0 }
            let started = ContinuousClock.now
            for number in 0..<count { sum += try await context.step("step \(number)") { number } }
            report(count, in: started.duration(to: .now))
            return sum
        }
    }

    static func steps(root: String, count: Int) async throws {
        let agent = Agent(name: "agent", instructions: "", model: Script()) { Steps(count: count) }
        let runtime = try AgentRuntime(agent, store: SessionStore(root: root))
        _ = try await runtime.respond(to: AgentRequest(session: "s", id: "1", content: .message("go")))
    }

    static func floor(folder: String, count: Int) throws {
        let descriptor = unsafe open("\(folder)/floor", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WriteFailed() }
        defer { close(descriptor) }
        let page = [UInt8](repeating: 7, count: 8192)
        func append() throws {
            guard unsafe write(descriptor, page, page.count) == page.count, fdatasync(descriptor) == 0 else {
                throw WriteFailed()
            }
        }
        try append()
        let started = ContinuousClock.now
        for _ in 0..<count { try append() }
        report(count, in: started.duration(to: .now))
    }

    private static func report(_ count: Int, in time: Duration) {
        let (seconds, attoseconds) = time.components
        say(#"{"steps":\#(count),"seconds":\#(Double(seconds) + Double(attoseconds) / 1e18)}"#)
    }
}
