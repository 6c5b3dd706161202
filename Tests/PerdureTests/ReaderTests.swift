// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import Testing

/// Readers of a streamed turn that do not read as they should.
@Suite(.timeLimit(.minutes(2))) struct ReaderTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    static let request = bytes(#"{"session":"a","id":"1","message":"Hello","stream":true}"#)
    static let done = "event: done\ndata: {\"session\":\"a\",\"id\":\"1\",\"status\":\"completed\",\"reply\":"

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var interruption: ScriptedRuntimeAPI.Step
    }
    static let cases = [
        Case(testDescription: "a reset", interruption: .raw([], resets: true)),
        Case(testDescription: "too late", interruption: .refused(410, "InvokeTimeout")),
        Case(testDescription: "too large", interruption: .refused(413, "RequestEntityTooLarge")),
    ]

    @Test(arguments: cases) func `a turn goes on to its end when its reader leaves`(sample: Case) async throws {
        let gate = Gate()
        // The second piece waits until the response was refused, and the handler's task cancelled.
        let server = try ScriptedModelServer([
            .pieces(["Half. ", "Whole."]) { if $0 == 1 { gate.wait() } }
        ])
        let handler = AgentHandler(try bench.runtime(server))
        let lost = try await handler.streamed(Self.request, interruption: sample.interruption, whenSent: gate.open)
        #expect((try? lost.receipt.get()) != .accepted)
        #expect(server.answeredCount == 1)
        #expect(try bench.leftovers() == [])
        #expect(try bench.log().count == 2, "the message and its answer")
        let again = try await handler.streamed(Self.request)
        #expect(again.body == Self.done + "\"Half. Whole.\"}\n\n")
        #expect(server.requests.count == 1)
    }

    @Test func `a task that is cancelled while somebody reads ends the turn, and the same id goes on`() async throws {
        let server = try ScriptedModelServer([.hang, .text("Whole.")])
        let writer = ResponseWriter(contentType: "text/event-stream")
        let handler = AgentHandler(try bench.runtime(server))
        let task = Task { @concurrent in try await handler.answer(Self.request, context: context(), to: writer) }
        try await eventually { server.requests.count == 1 }
        task.cancel()
        let error = await #expect(throws: InvocationError.self) { try await task.value }
        #expect(error?.type == "Function.DeadlineExceeded")
        #expect(try bench.leftovers() == [])
        let again = try await handler.streamed(Self.request)
        #expect(again.body.hasSuffix(Self.done + "\"Whole.\"}\n\n"))
    }

    @Test func `a reader that reads nothing holds up neither the turn nor the session, and takes little memory`()
        async throws
    {
        let piece = String(repeating: "x", count: 1000)
        let server = try ScriptedModelServer([.pieces(Array(repeating: piece, count: 1000)) { _ in }])
        let writer = ResponseWriter(contentType: "text/event-stream")
        let handler = AgentHandler(try bench.runtime(server))
        let task = Task { @concurrent in
            try await handler.answer(Self.request, context: context(), to: writer)
            writer.finish()
        }
        // Nobody sends yet, and the turn ends all the same: its session can be leased, and has the answer.
        try await eventually { (try? bench.log().count) == 2 }
        let api = try ScriptedRuntimeAPI([.invocation(payload: Self.request), .accepted])
        _ = await send(writer, to: api)
        try await task.value
        let body = String(decoding: api.requests[1].body, as: UTF8.self)
        let events = withoutCursors(body).split(separator: "\n\n").map(String.init)
        #expect(events.last == Self.done + "\"\(String(repeating: piece, count: 1000))\"}")
        #expect(events.dropLast().allSatisfy { $0 == "event: text\ndata: {\"step\":1,\"text\":\"\(piece)\"}" })
        #expect((57...66).contains(events.count), "64 KiB of text, and the answer")
    }
}
