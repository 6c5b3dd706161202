// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(2))) struct ModelFailureTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What the server does until the first turn has failed.
        var steps: [ScriptedModelServer.Step]
    }

    static let now = ["Retry-After": "0"]
    static let failures = [
        Case(
            testDescription: "500",
            steps: Array(repeating: .refuse(status: 500, headers: now), count: 3)),
        Case(
            testDescription: "429",
            steps: Array(repeating: .refuse(status: 429, headers: now), count: 3)),
        Case(testDescription: "404", steps: [.refuse(status: 404)]),
        Case(testDescription: "garbage", steps: [.raw("data: garbage\n\n")]),
        Case(testDescription: "broken off", steps: [.breakOff]),
    ]

    @Test(arguments: failures)
    func `a model that fails loses nothing and is asked once more`(failure: Case) async throws {
        let server = try ScriptedModelServer(failure.steps + [.text("Hi.")])
        let failed = try await bench.ask(bench.runtime(server))
        #expect(failed.errorCode == .modelFailed)
        #expect(
            try bench.log() == [
                Entry(turn: 1, fact: .input(request: "1", text: "Hello")), Entry(turn: 1, fact: .pause(.stopped)),
            ])
        let outcome = try await bench.ask(bench.runtime(server)).get()
        #expect(outcome == .completed(reply: "Hi."))
        #expect(server.requests.count == failure.steps.count + 1)
        #expect(Set(server.requests).count == 1)
        #expect(try await bench.ask(bench.runtime(server)).get() == outcome)
        #expect(server.answeredCount == 1)
    }

    @Test func `a silent model is left before the deadline`() async throws {
        let server = try ScriptedModelServer([.hang, .text("Hi.")])
        let failed = try await bench.ask(bench.runtime(server), within: .seconds(3))
        #expect(failed.errorCode == .deadlineExceeded)
        #expect(try bench.log().map(\.kind) == [.input, .pause])
        #expect(try await bench.ask(bench.runtime(server)).get() == .completed(reply: "Hi."))
        #expect(server.requests.count == 2)
    }

    @Test func `waiting for the model's next try ends before the deadline`() async throws {
        let server = try ScriptedModelServer([.refuse(status: 429, headers: ["Retry-After": "15"]), .text("Hi.")])
        let failed = try await bench.ask(bench.runtime(server), within: .seconds(3))
        #expect(failed.errorCode == .deadlineExceeded)
        #expect(try await bench.ask(bench.runtime(server)).get() == .completed(reply: "Hi."))
        #expect(server.requests.count == 2)
    }

    @Test func `a turn without time to spare keeps the message`() async throws {
        let server = try ScriptedModelServer { _, _ in .hang }
        let request = AgentRequest(session: "a", id: "1", content: .message("Hello"))
        let runtime = try bench.runtime(server)
        let error = await #expect(throws: AgentError.self) {
            try await runtime.respond(to: request, deadline: .now)
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(try bench.log().map(\.kind) == [.input, .pause])
        #expect(try bench.leftovers() == [])
    }

    @Test func `a cancelled task ends its turn`() async throws {
        let server = try ScriptedModelServer([.hang, .text("Hi.")])
        let runtime = try bench.runtime(server)
        try await bench.interrupt(runtime) { server.requests.count == 1 }
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Hi."))
    }

    @Test func `another message joins a turn that failed`() async throws {
        let server = try ScriptedModelServer([.refuse(status: 401), .text("Both.")])
        let runtime = try bench.runtime(server)
        #expect(try await bench.ask(runtime, "One", id: "1").errorCode == .modelFailed)
        #expect(try await bench.ask(runtime, "Two", id: "2").get() == .completed(reply: "Both."))
        #expect(try server.messages(1) == ["system: You help.", "user: One", "user: Two"])
        #expect(try await bench.ask(runtime, "One", id: "1").get() == .completed(reply: "Both."))
        #expect(server.requests.count == 2)
        #expect(try bench.log().map(\.turn) == [1, 1, 1, 1])
    }

    @Test func `a tool that has run does not run again when the model fails after it`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":7,"amount":20}"#)]),
            .refuse(status: 401), .text("Done."),
        ])
        let refund = RefundOrder()
        let runtime = try bench.runtime(server, tools: [refund])
        #expect(try await bench.ask(runtime).errorCode == .modelFailed)
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(refund.runs == 1)
        #expect(server.answeredCount == 2)
    }

    @Test func `a conversation that the model refuses ends its turn, and the session goes on without it`() async throws
    {
        let server = try ScriptedModelServer([.text("Hi."), .refuse(status: 400), .text("Still here.")])
        let runtime = try bench.runtime(server)
        _ = try await bench.ask(runtime, "Hello", id: "1").get()
        let refused = try await bench.ask(runtime, "Far too long", id: "2").get()
        guard case .failed(let reason) = refused else {
            Issue.record("expected a failed turn, got \(refused)")
            return
        }
        #expect(reason.contains("400"))
        #expect(try await bench.ask(runtime, "Far too long", id: "2").get() == refused)
        #expect(try await bench.ask(runtime, "Are you there?", id: "3").get() == .completed(reply: "Still here."))
        #expect(
            try server.messages(2) == ["system: You help.", "user: Hello", "assistant: Hi.", "user: Are you there?"])
        #expect(try bench.log().map(\.kind) == [.input, .reply, .input, .refusal, .input, .reply])
    }

    @Test func `a refusal does not hide that tools ran`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":7,"amount":20}"#)]),
            .refuse(status: 413), .text("Yes."),
        ])
        let refund = RefundOrder()
        let runtime = try bench.runtime(server, tools: [refund])
        guard case .failed = try await bench.ask(runtime, "Refund 7", id: "1").get() else {
            Issue.record("expected a failed turn")
            return
        }
        _ = try await bench.ask(runtime, "Did you?", id: "2").get()
        #expect(refund.runs == 1)
        let note = "user: (A turn before this could not be completed. Tools were called in it: refund_order.)"
        #expect(try server.messages(2) == ["system: You help.", note, "user: Did you?"])
    }

    @Test func `an id that comes again with something else is refused`() async throws {
        let server = try ScriptedModelServer([.text("Hi.")])
        let runtime = try bench.runtime(server)
        _ = try await bench.ask(runtime, "Hello", id: "1").get()
        #expect(try await bench.ask(runtime, "Refund everything", id: "1").errorCode == .reusedID)
        #expect(try await bench.ask(runtime, "Hello", id: "1").get() == .completed(reply: "Hi."))
        #expect(server.requests.count == 1)
    }
}
