// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import PerdureTesting
import Testing

@testable import ModelClients

@Suite(.timeLimit(.minutes(1))) struct RequestTests {
    static let key = "sk-SECRET-key-4711"

    static let request = ModelRequest(
        instructions: "You are SECRET.",
        messages: [
            .user("SECRET \"quoted\"\nGrüße 👍"),
            .assistant(
                ModelReply(
                    text: "",
                    toolCalls: [
                        ToolCall(id: "a", name: "look_up", arguments: #"{ "n": 1.0e0 }"#),
                        ToolCall(id: "b", name: "look_up", arguments: #"{"n":"#),
                        ToolCall(id: "c", name: "look_up", arguments: ""),
                        ToolCall(id: "d", name: "look_up", arguments: #""SECRET""#),
                    ])),
            .tool(call: ToolCall(id: "a", name: "look_up", arguments: ""), content: #"{"state":"shipped"}"#),
            .tool(call: ToolCall(id: "b", name: "look_up", arguments: ""), content: "no"),
            .tool(call: ToolCall(id: "c", name: "look_up", arguments: ""), content: ""),
            .tool(call: ToolCall(id: "d", name: "look_up", arguments: ""), content: "no"),
            .assistant(ModelReply(text: "Shipped.", usage: TokenUsage(input: 1))),
            .assistant(ModelReply(text: "And", toolCalls: [ToolCall(id: "e", name: "look_up", arguments: "{}")])),
            .tool(call: ToolCall(id: "e", name: "look_up", arguments: ""), content: "ok"),
        ],
        tools: [
            ToolSpecification(
                name: "look_up",
                description: "Looks up.",
                parameters: ["type": "object", "properties": ["n": ["type": "number"]], "required": ["n"]]
            )
        ],
        allowsToolCalls: false
    )

    @Test func `a request is the bytes of the golden file`() async throws {
        let server = try ScriptedModelServer([.text("Hi")])
        let model = OpenAICompatibleModel(
            baseURL: server.url + "/", model: "m", maximumOutputTokens: 100, temperature: 0.5)
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let golden = try Data(contentsOf: tests.appendingPathComponent("Fixtures/ModelClients/request.json"))
        // The file ends with a line break, the body does not.
        #expect(model.body(of: Self.request).description + "\n" == String(decoding: golden, as: UTF8.self))
        _ = try await model.reply(to: Self.request) { _ in }
        #expect(server.requests == [model.body(of: Self.request)])
    }

    @Test func `what is not set is not sent`() throws {
        let model = OpenAICompatibleModel(baseURL: "http://host/v1", model: "m")
        let body = model.body(of: ModelRequest(instructions: "", messages: [.user("Hi")]))
        #expect(
            body.description
                == #"{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true,"#
                + #""stream_options":{"include_usage":true}}"#
        )
    }

    @Test(
        arguments: [
            .refuse(
                status: 401,
                body: #"{"error":{"message":"key sk-SECRET-key-4711 for SECRET","code":"invalid_api_key"}}"#),
            .refuse(status: 400, body: "SECRET sk-SECRET-key-4711"),
            .refuse(status: 500, headers: ["Retry-After": "0"], body: #"{"error":{"type":"a SECRET of many words"}}"#),
            .raw(events("SECRET")), .raw(events(#"{"error":{"message":"SECRET"}}"#)), .raw("", ends: false),
            .whole("SECRET"),
        ] as [ScriptedModelServer.Step])
    func `no error tells the key or what was said`(step: ScriptedModelServer.Step) async throws {
        let server = try ScriptedModelServer { _, _ in step }
        let model = model(server, apiKey: Self.key)
        let error = await #expect(throws: ModelError.self) { try await model.reply(to: Self.request) { _ in } }
        let thrown = try #require(error)
        var dumped = ""
        dump(thrown, to: &dumped)
        for text in ["\(thrown)", String(reflecting: thrown), dumped] { #expect(!text.contains("SECRET")) }
    }

    @Test(arguments: ["sk-SECRET\n", "sk-SECRET\r\nX: 1", "\u{0}SECRET"])
    func `a key that no header can carry is an error that does not tell it`(key: String) async throws {
        let server = try ScriptedModelServer([.text("Hi")])
        let error = await #expect(throws: ModelError.self) {
            try await model(server, apiKey: key).reply(to: hello) { _ in }
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.description.contains("SECRET") == false)
        #expect(server.requests.isEmpty)
    }

    @Test func `a model that is printed does not show its key`() throws {
        let model = OpenAICompatibleModel(baseURL: "http://host/v1", model: "m", apiKey: Self.key)
        var dumped = ""
        dump(model, to: &dumped)
        for text in ["\(model)", String(reflecting: model), dumped] { #expect(!text.contains("SECRET")) }
    }
}
