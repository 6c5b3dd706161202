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
}
