// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// A tool whose arguments' type is known no more: JSON in, text out.
struct RegisteredTool: Sendable {
    let specification: ToolSpecification
    let run: @Sendable (JSONValue, ToolContext) async throws -> String

    /// Makes the schema, which throws when `Arguments` is not a type that a schema can be made of.
    init<T: Tool>(_ tool: T) throws {
        specification = ToolSpecification(
            name: tool.name,
            description: tool.description,
            parameters: try tool.parameters(),
            effect: tool.effect,
            review: { arguments in
                try tool.approval(for: JSONValueDecoder().decode(T.Arguments.self, from: arguments))
            }
        )
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

extension RegisteredTool {
    /// Runs the tool; nil when it was interrupted.
    func result(of run: ToolRun, context: ToolContext) async -> ToolResult? {
        do {
            return ToolResult(status: .succeeded, content: try await self.run(run.arguments, context))
        } catch {
            // A cancelled tool did not fail: recovery decides by its effect.
            if Task.isCancelled { return nil }
            if let error = error as? UnknownOutcome { return ToolResult(status: .unknown, content: error.description) }
            let warning =
                specification.effect == .pure
                ? "" : " It may have taken effect, in whole or in part: check before trying it again."
            return ToolResult(status: .failed, content: "The tool failed: \(error)\(warning)")
        }
    }
}

extension ToolResult {
    /// The result of a call whose tool a newer version of the agent does not have.
    static let vanished = ToolResult(status: .failed, content: "The tool does not exist any more.")
}
