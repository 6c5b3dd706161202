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
