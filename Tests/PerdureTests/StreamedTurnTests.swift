// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct StreamedTurnTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    func handler(_ script: [ScriptedModelServer.Step]) throws -> (AgentHandler, ScriptedModelServer) {
        let server = try ScriptedModelServer(script)
        return (AgentHandler(try bench.runtime(server, tools: [LookUpOrder()])), server)
    }

    static let request = #"{"session":"a","id":"1","message":"Where is order 7?","stream":true}"#
    static let preludeOfEvents =
        #"{"statusCode":200,"headers":{"cache-control":"no-cache","content-type":"text/event-stream"},"cookies":[]}"#
        + String(repeating: "\0", count: 8)
    static let withTool: [ScriptedModelServer.Step] = [
        .toolCalls([.init(name: "look_up_order", arguments: #"{"number":7}"#)], text: "One moment."),
        .text("It is\non its way."),
    ]
    static let events = """
        event: text
        data: {"step":1,"text":"One"}

        event: text
        data: {"step":1,"text":" moment."}

        event: tools
        data: {"tools":["look_up_order"]}

        event: text
        data: {"step":2,"text":"It"}

        event: text
        data: {"step":2,"text":" is\\non"}

        event: text
        data: {"step":2,"text":" its"}

        event: text
        data: {"step":2,"text":" way."}


        """
    static let done = """
        event: done
        data: {"session":"a","id":"1","status":"completed","reply":"It is\\non its way."}


        """

    @Test func `a turn is its text, its tools and the answer that it has in one piece`() async throws {
        let (handler, server) = try handler(Self.withTool)
        let first = try await handler.streamed(bytes(Self.request))
        #expect(first.isStreamed)
        #expect(first.request["Content-Type"] == "text/event-stream")
        #expect(first.events == Self.events + Self.done)
        // What clients keep and send back: a change of the format breaks those that are in the middle of a turn.
        let cursors = first.body.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { $0.dropFirst(4) }
        #expect(
            cursors == [
                "1.3.3011ca19bf83690f", "1.11.458b5173b637af41", "2.0.cbf29ce484222325",
                "2.2.9243e07b5b927d0", "2.8.dbc54bf1e82ba76f", "2.12.2ce85c3b2ded0291",
                "2.17.56d440e782c4fe7c",
            ])
        #expect(first.trailers == nil)
        #expect(try bench.leftovers() == [])
        let whole = try await handler.answer(bytes(Self.request), context: context())
        #expect(Self.done == "event: done\ndata: \(String(decoding: whole, as: UTF8.self))\n\n")
        #expect(server.requests.count == 2)
    }

    @Test func `the same id again is the last event and nothing else`() async throws {
        let (handler, server) = try handler(Self.withTool)
        _ = try await handler.streamed(bytes(Self.request))
        let again = try await handler.streamed(bytes(Self.request))
        #expect(again.isStreamed)
        #expect(again.body == Self.done)
        #expect(server.requests.count == 2)
    }

    @Test func `a REST API gets status and header fields first`() async throws {
        let (handler, _) = try handler(Self.withTool)
        let answer = try await handler.streamed(restEvent(body: Self.request))
        #expect(answer.request["Content-Type"] == "application/vnd.awslambda.http-integration-response")
        #expect(answer.events == Self.preludeOfEvents + Self.events + Self.done)
        let again = try await handler.streamed(restEvent(body: Self.request))
        #expect(again.body == Self.preludeOfEvents + Self.done)
    }

    struct Unasked: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var payload: [UInt8]
    }
    static let plain = #"{"session":"a","id":"1","message":"Where is order 7?"}"#
    static let unasked = [
        Unasked(testDescription: "an event that does not ask", payload: bytes(plain)),
        Unasked(testDescription: "null", payload: bytes(#"{"session":"a","id":"1","message":"m","stream":null}"#)),
        Unasked(testDescription: "an event that asks not to", payload: bytes(request.replacing("true", with: "false"))),
        Unasked(testDescription: "a request that cannot be streamed", payload: httpEvent(body: request)),
        Unasked(testDescription: "the same in format 1.0", payload: restEvent(body: request, version: "1.0")),
        Unasked(testDescription: "one that is wrong", payload: httpEvent(body: "{}")),
    ]

    @Test(arguments: unasked) func `who does not ask is answered as ever`(sample: Unasked) async throws {
        let (streaming, _) = try handler([.text("Hi.")])
        let answer = try await streaming.streamed(sample.payload)
        #expect(!answer.isStreamed)
        #expect(answer.request["Content-Type"] == "application/json")
        #expect(answer.request.path.hasSuffix("/response"))
        let whole = try await streaming.answer(sample.payload, context: context())
        #expect(answer.body == String(decoding: whole, as: UTF8.self))
    }

    @Test func `a REST API's answer is streamed in one piece when nobody asks`() async throws {
        let (handler, _) = try handler([.text("Hi.")])
        let answer = try await handler.streamed(restEvent(body: Self.plain))
        #expect(answer.isStreamed)
        #expect(answer.body.hasPrefix(#"{"statusCode":200,"headers":{"content-type":"application/json"}"#))
        #expect(answer.bodyAfterPrelude == #"{"session":"a","id":"1","status":"completed","reply":"Hi."}"#)
    }

    @Test func `a REST API that does not stream is answered in one piece`() async throws {
        let (handler, _) = try handler([.text("Hi.")])
        let answer = try JSONValue(
            parsing: try await handler.answer(restEvent(body: Self.request), context: context()))
        #expect(answer["statusCode"]?.int == 200)
        #expect(answer["body"]?.string == #"{"session":"a","id":"1","status":"completed","reply":"Hi."}"#)
    }

    @Test func `a failure before the first byte is an error, and over HTTP a status`() async throws {
        let (handler, _) = try handler([
            .refuse(status: 429, headers: ["Retry-After": "30"]), .refuse(status: 429, headers: ["Retry-After": "30"]),
        ])
        let direct = try await handler.streamed(bytes(Self.request))
        #expect(direct.request.path.hasSuffix("/error"))
        #expect(try JSONValue(parsing: direct.request.body)["errorType"]?.string == "Function.ModelFailed")
        let http = try await handler.streamed(restEvent(body: Self.request))
        #expect(
            http.body.hasPrefix(
                #"{"statusCode":502,"headers":{"content-type":"application/json","retry-after":"30"},"cookies":[]}"#))
        let error = try JSONValue(parsing: bytes(http.bodyAfterPrelude))["error"]
        #expect(error?["type"]?.string == "Function.ModelFailed")
        #expect(error?["retryAfter"]?.int == 30)
        #expect(http.trailers == nil)
        let bad = try await handler.streamed(restEvent(body: #"{"session":"a","message":"m","stream":1}"#))
        #expect(bad.body.hasPrefix(#"{"statusCode":400,"#))
    }

    @Test(arguments: [false, true]) func `a failure after the first byte is the last event`(isHTTP: Bool) async throws {
        let (handler, server) = try handler([.breakOff, .text("Whole.")])
        let payload = isHTTP ? restEvent(body: Self.request) : bytes(Self.request)
        let failed = try await handler.streamed(payload)
        let events = withoutCursors(isHTTP ? failed.bodyAfterPrelude : failed.body).split(separator: "\n\n")
        #expect(events.first == "event: text\ndata: {\"step\":1,\"text\":\"half an answ\"}")
        let last = try #require(events.last?.split(separator: "\n"))
        #expect(last.first == "event: error")
        let error = try JSONValue(parsing: bytes(String(last[1].dropFirst("data: ".count))))
        #expect(error["error"]?["type"]?.string == "Function.ModelFailed")
        // The caller of an Invoke API is told as for any failed function.
        #expect(failed.trailers?.hasPrefix("Function.ModelFailed\r\n") == (isHTTP ? nil : true))
        #expect(try bench.leftovers() == [])
        let again = try await handler.streamed(payload)
        #expect(again.body.hasSuffix(#""status":"completed","reply":"Whole."}"# + "\n\n"))
        #expect(server.requests.count == 2)
    }

    @Test func `a turn that waits for a person says so last`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":7,"amount":500}"#)], text: "Shall I?")
        ])
        let handler = AgentHandler(try bench.runtime(server, tools: [RefundOrder()]))
        let answer = try await handler.streamed(bytes(Self.request))
        let whole = String(decoding: try await handler.answer(bytes(Self.request), context: context()), as: UTF8.self)
        #expect(answer.body.hasSuffix("\"text\":\" I?\"}\n\nevent: done\ndata: \(whole)\n\n"))
        #expect(whole.contains(#""status":"awaiting""#))
    }

    @Test func `text is told with its step, and the outcome is durable before it is told`() async throws {
        let server = try ScriptedModelServer(Self.withTool)
        let seen = Mutex<[TurnProgress]>([])
        let request = AgentRequest(session: "a", id: "1", content: .message("Where?"))
        _ = try await bench.runtime(server, tools: [LookUpOrder()]).respond(to: request) { progress in
            seen.withLock { $0.append(progress) }
        }
        #expect(
            seen.withLock(\.self) == [
                .text("One", step: 1), .text(" moment.", step: 1), .tools(names: ["look_up_order"], step: 1),
                .text("It", step: 2), .text(" is\non", step: 2), .text(" its", step: 2), .text(" way.", step: 2),
            ])
    }
}
