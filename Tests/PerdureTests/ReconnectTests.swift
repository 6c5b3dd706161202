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

/// Readers that come back with a cursor.
@Suite(.timeLimit(.minutes(2))) struct ReconnectTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    static let message = #""message":"Where is order 7?""#

    /// The request again with a cursor, or only the wish to see its turn.
    static func event(after cursor: String?, message: String? = nil, id: String = "1") -> [UInt8] {
        let parts = [
            #""session":"a","id":"\#(id)""#, message, cursor.map { #""after":"\#($0)""# } ?? #""stream":true"#,
        ]
        return bytes("{\(parts.compactMap(\.self).joined(separator: ","))}")
    }

    /// A server whose text stops after each piece but the last until the gate is opened once for each.
    static func server(_ pieces: [String], _ gate: Gate) throws -> ScriptedModelServer {
        try ScriptedModelServer([.pieces(pieces) { if $0 > 0 { gate.wait() } }])
    }

    @Test(arguments: [nil, message]) func `each event's cursor gets the rest of a turn that ended`(message: String?)
        async throws
    {
        let server = try ScriptedModelServer(StreamedTurnTests.withTool)
        let handler = AgentHandler(try bench.runtime(server, tools: [LookUpOrder()]))
        let first = try await handler.streamed(Self.event(after: nil, message: Self.message))
        let events = try ReadEvents(first.body)
        #expect(events.text(of: 2) == "It is\non its way.")
        for cursor in [""] + events.cursors {
            let again = try await handler.streamed(Self.event(after: cursor, message: message))
            let whole = try ReadEvents(events.upTo(cursor) + again.body)
            #expect(whole.text(of: 1) == "One moment." && whole.text(of: 2) == "It is\non its way.")
            #expect(whole.toolEvents == 1 && !again.body.contains("event: restart"))
            #expect(whole.last == events.last)
        }
        #expect(server.requests.count == 2)
        #expect(try bench.leftovers() == [])
    }

    @Test func `a turn that runs elsewhere is seen by its text so far and by what follows`() async throws {
        let gate = Gate()
        let server = try Self.server(["It is", " on", " its way."], gate)
        let runtime = try bench.runtime(server)
        let running = Task { try await AgentHandler(runtime).streamed(Self.event(after: nil, message: Self.message)) }
        try await eventually { bench.live()?.contains("It is") == true }
        // Two readers: one has nothing of it and asks for no more than to see it, the other one repeats the request.
        let other = AgentHandler(try bench.runtime(server))
        let seen = Task { try await other.streamed(Self.event(after: "")) }
        let repeated = Task { try await other.streamed(Self.event(after: "", message: Self.message)) }
        gate.open()
        try await eventually { bench.live()?.contains(" on") == true }
        gate.open()
        let first = try await running.value
        for reader in [try await seen.value, try await repeated.value] {
            let events = try ReadEvents(reader.body)
            #expect(events.text(of: 1) == "It is on its way.")
            #expect(events.last == (try ReadEvents(first.body)).last)
            #expect(!reader.body.contains("event: restart"))
        }
        #expect(server.requests.count == 1)
        #expect(bench.live() == nil)
        #expect(try bench.leftovers() == [])
    }

    @Test func `an interrupted turn is not run for who only looks, and goes on for who asks`() async throws {
        let server = try ScriptedModelServer([.breakOff, .text("Another answer.")])
        let handler = AgentHandler(try bench.runtime(server))
        let failed = try ReadEvents(try await handler.streamed(Self.event(after: nil, message: Self.message)).body)
        let cursor = try #require(failed.cursors.last)
        let looked = try await handler.streamed(Self.event(after: cursor))
        #expect(looked.request.path.hasSuffix("/error"))
        #expect(try JSONValue(parsing: looked.request.body)["errorType"]?.string == "Function.TurnInterrupted")
        let again = try await handler.streamed(Self.event(after: cursor, message: Self.message))
        #expect(again.body.hasPrefix("event: restart\nid: 1.0.cbf29ce484222325\ndata: {\"step\":1}\n\nevent: text\n"))
        #expect(try ReadEvents(again.body).text(of: 1) == "Another answer.")
    }

    @Test(arguments: [nil, message]) func `a turn that waits says so to who comes back`(message: String?) async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(name: "order", arguments: #"{"n":1}"#)], text: "One moment.")
        ])
        let handler = AgentHandler(try bench.runtime(server, tools: [OrderParcel()]))
        let first = try ReadEvents(try await handler.streamed(Self.event(after: nil, message: Self.message)).body)
        #expect(first.last.contains(#""status":"suspended""#))
        for cursor in [""] + first.cursors {
            let again = try await handler.streamed(Self.event(after: cursor, message: message))
            let whole = try ReadEvents(first.upTo(cursor) + again.body)
            #expect(whole.text(of: 1) == "One moment." && whole.last == first.last)
        }
        #expect(try bench.leftovers() == [])
    }

    @Test func `the cursors of a request that set a parked turn going again are its own`() async throws {
        let call = ScriptedModelServer.ScriptedCall(name: "look_up_order", arguments: #"{"number":7}"#)
        let server = try ScriptedModelServer(
            ["One.", "Two.", "Three."].map { .toolCalls([call], text: $0) } + [.text("It is on its way.")])
        var agent = Agent(
            name: "support", instructions: "", model: OpenAICompatibleModel(baseURL: server.url, model: "scripted")
        ) { LookUpOrder() }
        agent.turnBudget = Budget(modelCalls: 2)
        let handler = AgentHandler(try AgentRuntime(agent, store: bench.store))
        let parked = try ReadEvents(try await handler.streamed(Self.event(after: nil, message: Self.message)).body)
        #expect(parked.last.contains(#""status":"parked""#))
        let resume = bytes(#"{"session":"a","id":"2","resume":true,"stream":true}"#)
        let events = try ReadEvents(try await handler.streamed(resume).body)
        #expect(events.text(of: 1) == "Three." && events.text(of: 2) == "It is on its way.")
        let again = try await handler.streamed(Self.event(after: events.cursors[2], id: "2"))
        #expect(try ReadEvents(events.upTo(events.cursors[2]) + again.body).text(of: 2) == "It is on its way.")
        #expect(server.requests.count == 4)
    }

    @Test func `a resumed turn tells the steps that are settled too`() async throws {
        let server = try ScriptedModelServer([
            StreamedTurnTests.withTool[0], .breakOff, .text("half an answer, and the rest"),
        ])
        let handler = AgentHandler(try bench.runtime(server, tools: [LookUpOrder()]))
        let failed = try ReadEvents(try await handler.streamed(Self.event(after: nil, message: Self.message)).body)
        let first = try #require(failed.cursors.first)
        let again = try await handler.streamed(Self.event(after: first, message: Self.message))
        let whole = try ReadEvents(failed.upTo(first) + again.body)
        #expect(whole.text(of: 1) == "One moment." && whole.text(of: 2) == "half an answer, and the rest")
        let last = try #require(failed.cursors.last)
        let rest = try await handler.streamed(Self.event(after: last, message: Self.message))
        #expect(try ReadEvents(rest.body).text(of: 2) == "er, and the rest")
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: [UInt8]
        var type: String
    }
    static let refusals = [
        Refusal(testDescription: "no cursor", event: event(after: "x"), type: "Function.InvalidCursor"),
        Refusal(
            testDescription: "no cursor, with the request", event: event(after: "x", message: message),
            type: "Function.InvalidCursor"),
        Refusal(
            testDescription: "a number", event: bytes(#"{"session":"a","id":"1","after":1}"#),
            type: "Function.InvalidCursor"),
        Refusal(
            testDescription: "a step that never was", event: event(after: "9.0.cbf29ce484222325"),
            type: "Function.InvalidCursor"),
        Refusal(
            testDescription: "the same with the request", event: event(after: "9.0.cbf29ce484222325", message: message),
            type: "Function.InvalidCursor"),
        Refusal(testDescription: "another request", event: event(after: "", id: "2"), type: "Function.NoSuchRequest"),
        Refusal(
            testDescription: "another session", event: bytes(#"{"session":"b","id":"1","after":""}"#),
            type: "Function.NoSuchRequest"),
        Refusal(
            testDescription: "no id", event: bytes(#"{"session":"a","after":""}"#), type: "Function.InvalidEvent"),
        Refusal(
            testDescription: "an id that was another message's", event: event(after: "", message: #""message":"Else""#),
            type: "Function.ReusedRequestID"),
    ]

    @Test(arguments: refusals) func `what cannot be shown is refused by type`(refusal: Refusal) async throws {
        let server = try ScriptedModelServer([.text("Hi.")])
        let handler = AgentHandler(try bench.runtime(server))
        _ = try await handler.streamed(Self.event(after: nil, message: Self.message))
        let refused = try await handler.streamed(refusal.event)
        #expect(refused.request.path.hasSuffix("/error"))
        #expect(try JSONValue(parsing: refused.request.body)["errorType"]?.string == refusal.type)
        #expect(server.requests.count == 1)
        #expect(try bench.leftovers() == [])
    }

    @Test func `an HTTP client's last event id is its cursor`() async throws {
        let server = try ScriptedModelServer([.text("It is on")])
        let handler = AgentHandler(try bench.runtime(server))
        let first = try ReadEvents(try await handler.streamed(Self.event(after: nil, message: Self.message)).body)
        var event = try #require(try JSONValue(parsing: restEvent(body: #"{"session":"a","id":"1"}"#)).object)
        event["headers"] = ["last-event-id": .init(first.cursors[0])]
        let answer = try await handler.streamed(JSONValue.object(event).bytes())
        #expect(try ReadEvents(answer.bodyAfterPrelude).text(of: 1) == " is on")
        event["headers"] = ["Last-Event-ID": "nonsense"]
        let refused = try await handler.streamed(JSONValue.object(event).bytes())
        #expect(refused.body.hasPrefix(#"{"statusCode":400,"#))
    }

    @Test func `who follows reads as slowly as it likes and gets everything`() async throws {
        let piece = String(repeating: "x", count: 1000)
        let server = try ScriptedModelServer([.pieces(Array(repeating: piece, count: 300)) { _ in }])
        let handler = AgentHandler(try bench.runtime(server))
        let request = AgentRequest(session: "a", id: "1", content: .message("Where?"))
        _ = try await bench.runtime(server).respond(to: request)
        let writer = ResponseWriter(contentType: "text/event-stream")
        let task = Task { @concurrent in
            try await handler.answer(Self.event(after: ""), context: context(), to: writer)
            writer.finish()
        }
        // Nobody sends yet, and the session is free.
        try await eventually { (try? bench.log().count) == 2 }
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted])
        _ = await send(writer, to: api)
        try await task.value
        let body = String(decoding: api.requests[1].body, as: UTF8.self)
        #expect(try ReadEvents(body).text(of: 1).count == 300_000)
    }

    @Test func `a turn that nobody asked to see leaves nothing for others to read`() async throws {
        let gate = Gate()
        let runtime = try bench.runtime(try Self.server(["It is", " on"], gate))
        let running = Task {
            try await AgentHandler(runtime).streamed(bytes(#"{"session":"a","id":"1","message":"Where?"}"#))
        }
        try await eventually { (try? bench.files().contains { $0.hasSuffix("s.db") }) == true }
        #expect(bench.live() == nil)
        gate.open()
        _ = try await running.value
    }
}

/// Server-sent events as a client puts them together.
struct ReadEvents {
    private(set) var cursors: [String] = []
    private(set) var toolEvents = 0
    /// The data of the last event.
    private(set) var last = ""
    private var texts: [Int: String] = [:]
    private let blocks: [(cursor: String?, text: String)]

    init(_ body: String) throws {
        var blocks: [(String?, String)] = []
        for block in body.components(separatedBy: "\n\n").dropLast() {
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
            }
            let data = try JSONValue(parsing: Array((fields["data"] ?? "").utf8))
            let step = data["step"]?.int ?? 0
            switch fields["event"] {
            case "text": texts[step, default: ""] += data["text"]?.string ?? ""
            case "restart": texts[step] = nil
            case "tools": toolEvents += 1
            default: break
            }
            if let id = fields["id"] { cursors.append(id) }
            last = fields["data"] ?? ""
            blocks.append((fields["id"], block + "\n\n"))
        }
        self.blocks = blocks.map { (cursor: $0.0, text: $0.1) }
    }

    func text(of step: Int) -> String { texts[step] ?? "" }

    /// What a client has received that has this cursor.
    func upTo(_ cursor: String) -> String {
        guard let index = blocks.firstIndex(where: { $0.cursor == cursor }) else { return "" }
        return blocks[...index].map(\.text).joined()
    }
}

extension Bench {
    /// What is to be seen of session `a` while it is leased.
    func live() -> String? {
        guard let session = try? SessionID("a"), let agent = try? AgentName("support") else { return nil }
        return store.liveText(of: session, of: agent).map { text in
            text.lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        }
    }
}
