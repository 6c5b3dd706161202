// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import ModelClients
import PerdureTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    static let text = #"{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}"#
    static let stop = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
    static let usage =
        #"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":5}}}"#
    static let both =
        #"{"choices":[{"delta":{"content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var stream: String
        var usage: TokenUsage?

        init(_ name: String, _ stream: String, _ usage: TokenUsage? = nil) {
            testDescription = name
            self.stream = stream
            self.usage = usage
        }
    }

    @Test(arguments: [
        Case("without usage", events(text, stop, "[DONE]")),
        Case(
            "usage in the last chunk", events(text, stop, usage, "[DONE]"),
            TokenUsage(input: 7, output: 3, cachedInput: 5)),
        Case("usage with choices", events(text, both, "[DONE]"), TokenUsage(input: 7, output: 3)),
        Case("usage null until the end", events(text.dropLast() + #","usage":null}"#, stop, "[DONE]")),
        Case("[DONE] missing", events(text, stop)),
        Case(
            "CRLF, comments and fields", ": hello\r\n\r\nevent: chunk\r\nid: 1\r\ndata: \(text)\r\n\r\n" + events(stop)),
        Case("no blanks behind the colon", "data:\(text)\n\ndata:\(stop)\n\ndata:[DONE]\n\n"),
        Case("a chunk of nothing at first", events(#"{"choices":[],"prompt_filter_results":[]}"#, text, stop)),
        Case("an empty finish reason in each chunk", events(text.replacing("null", with: #""""#), stop)),
        Case("chunks behind [DONE]", events(text, stop, "[DONE]", "garbage")),
    ])
    func `a reply is read`(sample: Case) async throws {
        let server = try ScriptedModelServer([.raw(sample.stream)])
        let (result, texts) = await ask(server)
        let reply = try result.get()
        #expect(reply.text == "Hi")
        #expect(reply.finishReason == "stop")
        #expect(reply.usage == sample.usage)
        #expect(reply.toolCalls.isEmpty)
        #expect(texts == ["Hi"])
        #expect(server.requests.count == 1)
    }

    @Test func `the pieces of a text arrive in order`() async throws {
        let server = try ScriptedModelServer([.text("It is on its way, Jürgen 👍.")])
        let (result, texts) = await ask(server)
        #expect(try result.get().text == "It is on its way, Jürgen 👍.")
        #expect(texts == ["It", " is", " on", " its", " way,", " Jürgen", " 👍."])
        #expect(try result.get().usage == TokenUsage(input: 10, output: 5))
    }

    @Test func `calls share one connection`() async throws {
        let server = try ScriptedModelServer { _, _ in .text("Hi.") }
        let model = model(server)
        for _ in 0..<50 { _ = try await model.reply(to: hello) { _ in } }
        #expect(server.connectionCount == 1)
    }

    @Test func `a connection that breaks behind a whole reply does no harm`() async throws {
        let server = try ScriptedModelServer([.raw(events(Self.text, Self.stop), ends: false)])
        let (result, _) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(server.requests.count == 1)
    }

    @Test(arguments: ["", events(text)])
    func `a stream that ends before the model did is retryable`(stream: String) async throws {
        let server = try ScriptedModelServer { _, _ in .raw(stream) }
        let (result, _) = await ask(server)
        #expect(result.error?.code == .invalidResponse)
        #expect(result.error?.isRetryable == true)
        // Text that was passed on cannot be taken back.
        #expect(server.requests.count == (stream.isEmpty ? 3 : 1))
    }

    @Test(arguments: [
        #"{"error":{"message":"SECRET prompt","type":"server_error","code":null}}"#,
        #"{"error":"SECRET"}"#, #"{"error":{"code":503}}"#,
    ])
    func `an error in the middle is the server's failure`(error: String) async throws {
        let server = try ScriptedModelServer([.raw(events(Self.text, error, Self.stop, "[DONE]"))])
        let (result, _) = await ask(server)
        #expect(result.error?.code == .unavailable)
        #expect(result.error?.description.contains("SECRET") == false)
        #expect(server.requests.count == 1)
    }

    @Test(arguments: [
        "<html>SECRET</html>", "{", "7", "[]", #"{"SECRET":1}"#, #"{"choices":7}"#, "\u{FEFF}{}", "nul\u{0}",
    ])
    func `garbage is an invalid response`(garbage: String) async throws {
        let server = try ScriptedModelServer([.raw(events(garbage))])
        let (result, _) = await ask(server)
        #expect(result.error?.code == .invalidResponse)
        #expect(result.error?.isRetryable == false)
        #expect(result.error?.description.contains("SECRET") == false)
        #expect(server.requests.count == 1)
    }

    @Test func `a server that does not stream is understood`() async throws {
        let message =
            #"{"role":"assistant","content":"Hi","tool_calls":[{"id":"a","function":{"name":"t","arguments":"{}"}}]}"#
        let answer =
            #"{"choices":[{"index":0,"message":\#(message),"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1}}"#
        let server = try ScriptedModelServer([.whole(answer)])
        let (result, texts) = await ask(server)
        let reply = try result.get()
        #expect(reply.text == "Hi")
        #expect(reply.toolCalls == [ToolCall(id: "a", name: "t", arguments: "{}")])
        #expect(reply.usage == TokenUsage(input: 1))
        #expect(texts == ["Hi"])
    }

    @Test func `a server that does not stream and answers nothing is asked again`() async throws {
        let server = try ScriptedModelServer([.whole(#"{"choices":[]}"#), .text("Hi")])
        let (result, texts) = await ask(server)
        #expect(try result.get().text == "Hi")
        #expect(texts == ["Hi"])
        #expect(server.requests.count == 2)
    }
}
