// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore

/// What a provider would refuse in a conversation: calls without exactly their results behind them, in their order.
func illegality(of messages: [Message]) -> String? {
    var expected: ArraySlice<ToolCall> = []
    for (index, message) in messages.enumerated() {
        switch message {
        case .tool(let call, _):
            guard let next = expected.popFirst(), next == call else { return "message \(index) is a stray result" }
        case .assistant(let reply):
            guard expected.isEmpty else { return "message \(index) comes before the results" }
            guard index > 0 else { return "the model speaks first" }
            if case .assistant(let before) = messages[index - 1], before.toolCalls.isEmpty {
                return "message \(index) answers an answer"
            }
            expected = reply.toolCalls[...]
        case .user:
            guard expected.isEmpty else { return "message \(index) comes before the results" }
        }
    }
    return expected.isEmpty ? nil : "results are missing at the end"
}

/// What a provider would refuse in a request: a conversation that is not whole, and one in which it is not the model's turn.
func refusal(of request: ModelRequest) -> String? {
    switch request.messages.last {
    case nil: "there is no message"
    case .assistant: "the model has spoken last"
    case .user, .tool: illegality(of: request.messages)
    }
}
