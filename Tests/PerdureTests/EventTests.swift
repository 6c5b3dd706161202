// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import Perdure
import PerdureTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct EventTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: String
        var type: String
        var status: Int

        init(_ name: String, _ event: String, _ type: String = "Function.InvalidEvent", _ status: Int = 400) {
            testDescription = name
            self.event = event
            self.type = type
            self.status = status
        }

        static func session(_ name: String, _ session: String) -> Case {
            let event: JSONValue = ["session": .init(session), "message": "SECRET"]
            return Case(name, event.description, "Function.InvalidSession")
        }
    }

    static let long = String(repeating: "é", count: 1 << 19)
    static let bad = [
        Case("nothing", ""), Case("not JSON", "SECRET"), Case("half", #"{"session":"a""#), Case("an array", "[]"),
        Case("a number", "7"), Case("null", "null"), Case("an empty object", "{}"),
        Case("no session", #"{"message":"SECRET"}"#), Case("a number as session", #"{"session":7,"message":"SECRET"}"#),
        Case("null as session", #"{"session":null,"message":"SECRET"}"#),
        .session("an empty session", ""), .session("a path upwards", "../../etc"), .session("a slash", "a/b"),
        .session("a backslash", #"a\b"#), .session("the folder itself", "."), .session("the folder above", ".."),
        .session("a line break", "a\nb"), .session("NUL", "a\u{0}"),
        .session("a long session", String(repeating: "s", count: 257)),
        Case("neither message nor decisions", #"{"session":"a"}"#),
        Case("both", #"{"session":"a","message":"SECRET","decisions":[{"call":"1.0","approve":true}]}"#),
        Case("a number as message", #"{"session":"a","message":7}"#),
        Case("null as message", #"{"session":"a","message":null}"#),
        Case("a number as id", #"{"session":"a","message":"SECRET","id":7}"#),
        Case("an empty id", #"{"session":"a","message":"SECRET","id":""}"#),
        Case("a long id", #"{"session":"a","message":"SECRET","id":"\#(String(repeating: "i", count: 257))"}"#),
        Case("a number as stream", #"{"session":"a","message":"SECRET","stream":1}"#),
        Case("a text as stream", #"{"session":"a","message":"SECRET","stream":"true"}"#),
        Case("a long message", #"{"session":"a","message":"\#(long)."}"#, "Function.MessageTooLarge", 413),
        Case("no decisions", #"{"session":"a","decisions":[]}"#),
        Case("decisions that are none", #"{"session":"a","decisions":"SECRET"}"#),
        Case("a decision that is none", #"{"session":"a","decisions":[7]}"#),
        Case("a decision on nothing", #"{"session":"a","decisions":[{"approve":true}]}"#),
        Case("a decision on no call", #"{"session":"a","decisions":[{"call":"0.0","approve":true}]}"#),
        Case("a decision on a number", #"{"session":"a","decisions":[{"call":1.0,"approve":true}]}"#),
        Case("a decision that is open", #"{"session":"a","decisions":[{"call":"1.0"}]}"#),
        Case("a decision in words", #"{"session":"a","decisions":[{"call":"1.0","approve":"yes"}]}"#),
    ]

    let bench: Bench
    let server: ScriptedModelServer
    let handler: AgentHandler

    init() throws {
        bench = try Bench()
        server = try ScriptedModelServer { _, _ in .text("Hi.") }
        handler = AgentHandler(try bench.runtime(server))
    }

    @Test(arguments: bad) func `a bad event is refused and nothing is written`(sample: Case) async throws {
        let error = await #expect(throws: InvocationError.self) {
            try await handler.answer(bytes(sample.event), context: context())
        }
        #expect(error?.type == sample.type)
        #expect(error?.message.contains("SECRET") == false)
        let answer = try JSONValue(
            parsing: try await handler.answer(httpEvent(body: sample.event), context: context()))
        #expect(answer["statusCode"]?.int == sample.status)
        let body = try JSONValue(parsing: bytes(answer["body"]?.string ?? ""))
        #expect(body["error"]?["type"]?.string == sample.type)
        #expect(body["error"]?["message"]?.string?.contains("SECRET") == false)
        #expect(try bench.files() == [])
        #expect(server.requests.isEmpty)
    }

    @Test func `an event without an id has the id of its invocation`() async throws {
        let answers = [
            try await handler.answer(bytes(#"{"session":"a","message":"m"}"#), context: context(id: "x")),
            try await handler.answer(bytes(#"{"session":"a","message":"m","id":null}"#), context: context(id: "x")),
            try await handler.answer(bytes(#"{"session":"a","message":"m","id":"x"}"#), context: context(id: "y")),
        ]
        let answer = #"{"session":"a","id":"x","status":"completed","reply":"Hi."}"#
        #expect(answers.map { String(decoding: $0, as: UTF8.self) } == [answer, answer, answer])
        #expect(server.requests.count == 1)
    }

    @Test func `texts at their limits are taken`() async throws {
        let event: JSONValue = [
            "session": .init(String(repeating: "s", count: 256)), "message": .init(Self.long),
            "id": .init(String(repeating: "i", count: 256)),
        ]
        let answer = try JSONValue(parsing: try await handler.answer(event.bytes(), context: context()))
        #expect(answer["status"]?.string == "completed")
        #expect(server.requests.first?["messages"]?[1]?["content"]?.string == Self.long)
        #expect(try bench.leftovers() == [])
    }

    @Test func `a decision that nobody waits for is refused`() async throws {
        let event = #"{"session":"a","decisions":[{"call":"1.0","approve":true}]}"#
        let error = await #expect(throws: InvocationError.self) {
            try await handler.answer(bytes(event), context: context())
        }
        #expect(error?.type == "Function.NoSuchApproval")
        let answer = try JSONValue(parsing: try await handler.answer(httpEvent(body: event), context: context()))
        #expect(answer["statusCode"]?.int == 409)
        #expect(try bench.leftovers() == [])
        #expect(try bench.files() == [], "no session is made for it")
    }
}
