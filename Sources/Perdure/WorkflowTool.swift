// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// The function of a workflow as a tool. It may run again: what counts is in its steps.
struct WorkflowTool: Tool {
    static let toolName = "run"

    let name = WorkflowTool.toolName
    let description = "Runs the workflow."
    let effect = ToolEffect.idempotent
    private let body: @Sendable (String, WorkflowSession) async throws -> JSONValue

    init<Input: Decodable & SendableMetatype, Output: Encodable & SendableMetatype>(
        _ body: @escaping @Sendable (Input, WorkflowSession) async throws -> Output
    ) {
        self.body = { text, session in
            let output = try await body(try Self.input(in: text), session)
            return try JSONValueEncoder().encode(output)
        }
    }

    func parameters() throws -> JSONValue { ["type": "string"] }

    func call(arguments: String, context: ToolContext) async throws -> String {
        let session = WorkflowSession(context)
        let result: Result<JSONValue, any Error>
        do {
            result = .success(try await body(arguments, session))
        } catch {
            result = .failure(error)
        }
        // Even where the function made something else of it: it goes on when the time has come.
        if let suspension = session.suspension { throw suspension }
        switch result {
        case .success(let output):
            return JSONValue.object(["output": output]).description
        case .failure(let error):
            if Task.isCancelled || error is AttemptEnd { throw error }
            return JSONValue.object(["error": .init("\(error)")]).description
        }
    }

    /// The text is JSON, or, for a function that takes a string, just text.
    private static func input<Input: Decodable>(in text: String) throws -> Input {
        do {
            return try JSONValueDecoder().decode(Input.self, from: JSONValue(parsing: text.utf8))
        } catch {
            if let text = text as? Input { return text }
            throw WorkflowFailure(reason: "the input does not fit the workflow: \(error)")
        }
    }

    /// What the result of a call says. Throws ``WorkflowFailure`` when it did not succeed.
    static func reply(in content: String) throws(WorkflowFailure) -> String {
        guard let result = try? JSONValue(parsing: content.utf8).object else { throw WorkflowFailure(reason: content) }
        if let output = result["output"] { return output.string ?? output.description }
        throw WorkflowFailure(reason: result["error"]?.string ?? content)
    }
}
