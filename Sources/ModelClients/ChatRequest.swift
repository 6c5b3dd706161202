// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

extension OpenAICompatibleModel {
    /// The body of a request. The same request gives the same bytes, on which providers' prompt caches depend.
    func body(of request: ModelRequest) -> JSONValue {
        var messages: [JSONValue] = []
        if !request.instructions.isEmpty {
            messages.append(["role": "system", "content": .init(request.instructions)])
        }
        messages += request.messages.map(\.chatMessage)
        var body: JSONObject = ["model": .init(model), "messages": .array(messages)]
        if !request.tools.isEmpty {
            body["tools"] = .array(request.tools.map(\.chatTool))
            if !request.allowsToolCalls { body["tool_choice"] = "none" }
        }
        if let maximumOutputTokens { body["max_tokens"] = .init(maximumOutputTokens) }
        if let temperature, let number = JSONNumber(temperature) { body["temperature"] = .number(number) }
        body["stream"] = true
        body["stream_options"] = ["include_usage": true]
        return .object(body)
    }
}

extension Message {
    fileprivate var chatMessage: JSONValue {
        switch self {
        case .user(let text):
            ["role": "user", "content": .init(text)]
        case .assistant(let reply) where reply.toolCalls.isEmpty:
            ["role": "assistant", "content": .init(reply.text)]
        case .assistant(let reply):
            [
                "role": "assistant", "content": reply.text.isEmpty ? .null : .init(reply.text),
                "tool_calls": .array(reply.toolCalls.map(\.chatCall)),
            ]
        case .tool(let call, let content):
            ["role": "tool", "tool_call_id": .init(call.id), "content": .init(content)]
        }
    }
}

extension ToolCall {
    fileprivate var chatCall: JSONValue {
        // Servers parse the arguments again, and some fail on what their own model once got wrong.
        let isValid = (try? JSONValue(parsing: arguments.utf8))?.object != nil
        return [
            "id": .init(id), "type": "function",
            "function": ["name": .init(name), "arguments": .init(isValid ? arguments : "{}")],
        ]
    }
}

extension ToolSpecification {
    fileprivate var chatTool: JSONValue {
        [
            "type": "function",
            "function": ["name": .init(name), "description": .init(description), "parameters": parameters],
        ]
    }
}
