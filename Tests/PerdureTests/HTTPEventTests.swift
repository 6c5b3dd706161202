// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTPEventTests {
    let bench: Bench
    let server: ScriptedModelServer
    let handler: AgentHandler

    init() throws {
        bench = try Bench()
        server = try ScriptedModelServer { _, _ in .text("Hi.") }
        handler = AgentHandler(try bench.runtime(server))
    }

    static let request = #"{"session":"a","id":"1","message":"Grüße 👍"}"#

    func answer(_ payload: [UInt8], _ handler: AgentHandler? = nil) async throws -> JSONValue {
        try JSONValue(parsing: try await (handler ?? self.handler).answer(payload, context: context()))
    }

    @Test(arguments: [false, true]) func `a request is answered`(isBase64: Bool) async throws {
        let body = isBase64 ? Data(Self.request.utf8).base64EncodedString() : Self.request
        let answer = try await answer(httpEvent(body: body, isBase64: isBase64))
        #expect(
            answer.description
                == #"{"statusCode":200,"headers":{"content-type":"application/json"},"#
                + #""body":"{\"session\":\"a\",\"id\":\"1\",\"status\":\"completed\",\"reply\":\"Hi.\"}","#
                + #""isBase64Encoded":false}"#
        )
        #expect(try server.messages(0) == ["system: You help.", "user: Grüße 👍"])
    }

    @Test(arguments: 0...8) func `base64 of any length is decoded`(extra: Int) async throws {
        let request = Self.request + String(repeating: " ", count: extra)
        let body = Data(request.utf8).base64EncodedString()
        #expect(try await answer(httpEvent(body: body, isBase64: true))["statusCode"]?.int == 200)
    }

    @Test(arguments: [
        "e30", "e30==", "e3=0", "=", "====", "e31=", "e30=e30=", "e3 0=", "e30=\n", "é===", "e-_=", "A===",
    ])
    func `bad base64 is refused`(body: String) async throws {
        let answer = try await answer(httpEvent(body: body, isBase64: true))
        #expect(answer["statusCode"]?.int == 400)
        #expect(answer["body"]?.string?.contains("base64") == true)
        #expect(try bench.files() == [])
    }

    @Test(arguments: [nil, "", "<html>", "[]"]) func `a body that is no event is refused`(body: String?) async throws {
        let answer = try await answer(httpEvent(body: body))
        #expect(answer["statusCode"]?.int == 400)
        #expect(answer["headers"]?["content-type"]?.string == "application/json")
        #expect(answer["isBase64Encoded"]?.bool == false)
    }

    struct Failing: LanguageModel {
        var error: any Error
        func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
            throw error
        }
    }
    struct Own: Error {}

    @Test(
        arguments: [
            (ModelError(.rateLimited, "slow down", retryAfter: .seconds(7)), "7"),
            (ModelError(.rateLimited, "slow down", retryAfter: .zero), "1"),
            (ModelError(.unavailable, "status 500"), nil), (Own(), nil),
        ] as [(any Error & Sendable, String?)])
    func `a failing model is a bad gateway`(error: any Error & Sendable, retryAfter: String?) async throws {
        let handler = AgentHandler(try bench.runtime(Failing(error: error)))
        let answer = try await answer(httpEvent(body: Self.request), handler)
        #expect(answer["statusCode"]?.int == 502)
        #expect(answer["headers"]?["retry-after"]?.string == retryAfter)
        #expect(
            try JSONValue(parsing: bytes(answer["body"]?.string ?? ""))["error"]?["type"]?.string
                == "Function.ModelFailed")
        #expect(try bench.leftovers() == [])
    }

    @Test func `a busy session is unavailable for a second`() async throws {
        let held = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "test", until: .now)
        let soon = InvocationContext(requestID: "x", deadline: Deadline(millisecondsSinceEpoch: wallClock() + 1000))
        let answer = try JSONValue(
            parsing: try await handler.answer(httpEvent(body: Self.request), context: soon))
        try held.release()
        #expect(answer["statusCode"]?.int == 503)
        #expect(answer["headers"]?["retry-after"]?.string == "1")
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        #"{"version":"1.0","requestContext":{"http":{}},"body":"{}"}"#, #"{"version":"2.0","body":"{}"}"#,
        #"{"version":2.0,"requestContext":{"http":{}},"body":"{}"}"#,
    ])
    func `an event of another kind is no request`(event: String) async throws {
        let error = await #expect(throws: InvocationError.self) {
            try await handler.answer(bytes(event), context: context())
        }
        #expect(error?.type == "Function.InvalidEvent")
    }
}
