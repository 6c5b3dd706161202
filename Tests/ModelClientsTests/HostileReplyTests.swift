// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import ModelClients
import PerdureTesting
import Testing

/// Answers that a model, or whoever stands in for it, should not give.
@Suite(.timeLimit(.minutes(1))) struct HostileReplyTests {
    @Test func `an answer with very many tool calls is refused`() async throws {
        let calls = Array(repeating: ScriptedModelServer.ScriptedCall(name: "pay"), count: 129)
        let (result, _) = await ask(try ScriptedModelServer([.toolCalls(calls)]))
        #expect(result.error?.code == .invalidResponse)
        let (fewer, _) = await ask(try ScriptedModelServer([.toolCalls(calls.dropLast())]))
        #expect(try fewer.get().toolCalls.count == 128)
    }

    @Test(arguments: ["", "pay me", "naïve", String(repeating: "a", count: 65)])
    func `a tool call whose name no provider takes back is no answer`(name: String) async throws {
        let server = try ScriptedModelServer([.toolCalls([.init(name: name)]), .text("Hi")])
        let (result, _) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(server.requests.count == 2)
    }

    @Test(arguments: ["length", "content_filter"])
    func `the calls of an answer that was cut off are left out`(reason: String) async throws {
        let chunk =
            #"{"choices":[{"index":0,"delta":{"content":"So","tool_calls":[{"index":0,"id":"c","#
            + #""function":{"name":"pay","arguments":""}}]},"finish_reason":"\#(reason)"}]}"#
        let server = try ScriptedModelServer([.raw("data: \(chunk)\n\ndata: [DONE]\n\n")])
        let (result, _) = await ask(server)
        let reply = try result.get()
        #expect(reply.toolCalls.isEmpty)
        #expect(reply.text == "So")
        #expect(reply.finishReason == reason)
    }
}
