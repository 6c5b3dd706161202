// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// A tool whose arguments' type is known no more: JSON in, text out.
struct RegisteredTool: Sendable {
    let specification: ToolSpecification
    let timeLimit: Duration?
    private let retries: RetryPolicy
    let run: @Sendable (JSONValue, ToolContext) async throws -> String

    /// Makes the schema, which throws when `Arguments` is not a type that a schema can be made of.
    init<T: Tool>(_ tool: T) throws {
        var specification = ToolSpecification(
            name: tool.name,
            description: tool.description,
            parameters: try tool.parameters(),
            effect: tool.effect,
            review: { arguments in
                try tool.approval(for: JSONValueDecoder().decode(T.Arguments.self, from: arguments))
            }
        )
        specification.keepsOrder = tool.keepsOrder
        self.specification = specification
        timeLimit = tool.timeLimit
        retries = tool.effect == .once ? .never : tool.retries
        run = { arguments, context in
            let output = try await tool.call(
                arguments: JSONValueDecoder().decode(T.Arguments.self, from: arguments),
                context: context
            )
            if let text = output as? String { return text }
            return try JSONValueEncoder().encode(output).description
        }
    }
}

/// How a tool's run ended.
enum ToolEnd {
    case result(ToolResult)
    /// It was cancelled, or gave up: recovery decides by its effect.
    case interrupted(AttemptEnd?)
    /// The tool waits, until a time in milliseconds since 1970 or for a signal alone.
    case suspended(until: Int64?)
}

extension RegisteredTool {
    /// Runs the tool, again if it may.
    func end(of run: ToolRun, context: ToolContext) async -> ToolEnd {
        var attempt = 1
        while true {
            do {
                let content = try await withTimeLimit(timeLimit) { try await self.run(run.arguments, context) }
                return .result(ToolResult(status: .succeeded, content: content))
            } catch {
                if let wait = error as? ToolSuspension { return .suspended(until: wait.until) }
                // A cancelled tool did not fail.
                if Task.isCancelled { return .interrupted(nil) }
                if let end = error as? AttemptEnd { return .interrupted(end) }
                if let error = error as? UnknownOutcome {
                    return .result(ToolResult(status: .unknown, content: error.description))
                }
                if let delay = retries.delay(after: attempt), context.remainingTime.map({ delay < $0 }) ?? true {
                    attempt += 1
                    context.beginAgain()
                    // Cancelled while it waited: the next run would only be started to be cancelled.
                    guard (try? await Task.sleep(for: delay)) != nil else { return .interrupted(nil) }
                    continue
                }
                return .result(failure(error, attempts: attempt))
            }
        }
    }

    private func failure(_ error: any Error, attempts: Int) -> ToolResult {
        let times = attempts > 1 ? ", \(attempts) times" : ""
        if specification.effect == .pure {
            return ToolResult(status: .failed, content: "The tool failed\(times): \(error)")
        }
        if error is TimeLimitExceeded {
            return ToolResult(status: .unknown, content: UnknownOutcome("\(error)\(times).").description)
        }
        return ToolResult(
            status: .failed,
            content:
                "The tool failed\(times): \(error) It may have taken effect, in whole or in part: check before trying "
                + "it again."
        )
    }
}

extension ToolResult {
    /// The result of a call whose tool a newer version of the agent does not have.
    static let vanished = ToolResult(status: .failed, content: "The tool does not exist any more.")
}
