// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// The model of a workflow: it calls the function with the input, and says what the function returned.
///
/// A function of the conversation, without input or output: an answer that was lost in a crash costs nothing.
struct WorkflowModel: LanguageModel {
    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        switch request.messages.last {
        case .user(let text):
            return ModelReply(
                text: "",
                toolCalls: [ToolCall(id: "run", name: WorkflowTool.toolName, arguments: JSONValue(text).description)])
        case .tool(_, let content):
            let text = try WorkflowTool.reply(in: content)
            onText(text)
            return ModelReply(text: text, toolCalls: [])
        case .assistant, nil:
            throw WorkflowFailure(reason: "there is no input")
        }
    }
}

/// The function failed, and will each time it is asked.
struct WorkflowFailure: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}
