// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Testing

extension SubagentTests {
    @Test func `one request decides for several agents, and for the one above them`() async throws {
        let (pay, arguments) = (Pay(diary: diary), #"{"cents":5}"#)
        let helper = Agent(name: "helper", instructions: "", model: PlainModel.calling(("pay", arguments))) { pay }
        let model = PlainModel.calling(("helper", Self.task), ("helper", Self.task), ("pay", #"{"cents":7}"#))
        let lead = Agent(name: "lead", instructions: "", model: model) {
            helper.asTool(description: "Helps.")
            pay
        }
        guard case .awaiting(let approvals) = try await send(start, to: lead) else { throw Unreachable() }
        #expect(approvals.count == 3)
        let decisions = ["1.2", "1.0/1.0", "1.1/1.0"].map { call -> JSONValue in ["call": .init(call), "approve": true]
        }
        let decide: JSONValue = ["session": "a", "id": "2", "decisions": .array(decisions)]
        for _ in 0..<2 {
            #expect(try await send(decide, to: lead) == .completed(reply: "paid 5 | paid 5 | paid 7"))
        }
        #expect(diary.done.sorted() == ["paid 5", "paid 5", "paid 7"])
        #expect(try store.verify(SessionID("a"), of: AgentName("lead")).findings.isEmpty)
    }
}

extension WaitTests {
    @Test(arguments: [false, true])
    func `an approval expires beside a tool that waits for longer, or for a signal`(forSignal: Bool) async throws {
        let server = try ScriptedModelServer([
            .toolCalls(["guarded", forSignal ? "sleepy" : "order"].map { .init(name: $0, arguments: #"{"n":1}"#) }),
            .text("Done."),
        ])
        let runtime = try runtime(server, tools: [Guarded(), OrderParcel(), Sleepy(forSignal: true)])
        let until = forSignal ? nil : calendar.now + 2 * 86_400_000
        let outcome = try await runtime.respond(to: Self.message("Go", id: "1")).outcome
        guard case .awaiting(let approvals) = outcome else { return #expect(Bool(false), "\(outcome)") }
        let due = calendar.now + 60_000
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"]?.event)
        #expect(try await deliver(wake, to: runtime) == outcome)
        calendar.now = due
        #expect(try await deliver(wake, to: runtime) == .suspended(until: until))
        let yes = AgentRequest(
            session: "a", id: "2", content: .decisions([Verdict(position: approvals[0].position, isApproved: true)]))
        let error = await #expect(throws: AgentError.self) { try await runtime.respond(to: yes) }
        #expect(error?.code == .noSuchApproval)
        let cancel = AgentRequest(session: "a", id: "3", content: .cancel(reason: nil))
        #expect(try await runtime.respond(to: cancel).outcome == .cancelled)
        #expect(try await runtime.respond(to: Self.message("So?", id: "4")).outcome == .completed(reply: "Done."))
        #expect(try server.messages(1).contains { $0.contains("nobody decided in time") })
    }

    @Test func `an event that says that nothing was done countless times is not taken for more`() async throws {
        let server = try ScriptedModelServer([.hang])
        let runtime = try runtime(server, tools: [])
        let event: JSONValue = ["session": "a", "id": "1", "message": "Hello", "fruitless": .init(Int.max)]
        let request = try AgentRequest(event: event, defaultID: "")
        let error = await #expect(throws: AgentError.self) {
            try await runtime.respond(to: request, deadline: .now.advanced(by: .milliseconds(1400)))
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func `a summary that was paid for is something that was done`() async throws {
        let writer = try ScriptedModelServer([.text("They like teal.")])
        let server = try ScriptedModelServer { number, request in
            number == 0 ? ContextTests.reply("Noted.", to: request) : .hang
        }
        let runtime = try runtime(server, tools: []) {
            $0.context = .summarising(
                beyond: 100, keeping: 50, with: OpenAICompatibleModel(baseURL: writer.url, model: "small"))
        }
        let long = String(repeating: "I like teal. ", count: 40)
        #expect(try await runtime.respond(to: Self.message(long, id: "1")).outcome == .completed(reply: "Noted."))
        let deadline = ContinuousClock.now.advanced(by: .seconds(3))
        let next = Self.message("What do I like?", id: "2")
        #expect(try await runtime.respond(to: next, deadline: deadline).outcome == .continuing)
        #expect(calendar.invoked == [["session": "a", "id": "2", "resume": true]])
    }
}

extension BusyTests {
    @Test func `a message behind a turn that nobody could be asked to wake joins it`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, _ in
            if number > 0 { return .text("Done.") }
            gate.block()
            return .toolCalls([.init(name: "guarded", arguments: #"{"n":1}"#)])
        }
        struct OutOfOrder: Error {}
        let wakes = Wakes(invoke: { _ in }, schedule: { _, _, _ in throw OutOfOrder() })
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd), wakes: wakes, tools: [Guarded()])
        let other = try bench.sandbox(server, whenBusy: .queue(.atEnd), wakes: wakes, tools: [Guarded()])
        let first = Task { try await holder.ask("First", id: "1") }
        try await eventually { gate.isReached }
        #expect(try await other.ask("Second", id: "2") == .queued)
        gate.open()
        let error = await #expect(throws: AgentError.self) { try await first.value }
        #expect(error?.code == .wakeFailed)
        for (text, id) in [("Second", "2"), ("First", "1")] {
            #expect(try await other.ask(text, id: id) == .completed(reply: "Done."))
        }
        #expect(try bench.log().map(\.kind) == [.input, .reply, .pause, .result, .input, .reply])
        #expect(server.requests.count == 2)
    }

    @Test func `a decision that is refused does not say of a process that died that it ended in order`() async throws {
        let server = try ScriptedModelServer([.text("Done.")])
        let runtime = try bench.runtime(server, tools: [Guarded()])
        let call = ToolCall(id: "c", name: "guarded", arguments: #"{"n":1}"#)
        let position = CallPosition(reply: 1, index: 0)
        let log: [Entry.Fact] = [
            .input(request: "1", text: "Hello"), .reply(ModelReply(text: "", toolCalls: [call])),
            .claim(position, tool: "guarded", effect: .once, attempt: 1),
        ]
        var session = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "", until: .now)
        try session.append(log.map { Entry(turn: 1, fact: $0) })
        try session.release()
        let error = await #expect(throws: AgentError.self) {
            try await runtime.outcome(.decisions([Verdict(position: position, isApproved: true)]), id: "2")
        }
        #expect(error?.code == .noSuchApproval)
        #expect(try bench.log().map(\.kind) == log.map { Entry(turn: 1, fact: $0).kind })
    }
}
