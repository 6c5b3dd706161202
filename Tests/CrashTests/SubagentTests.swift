// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// Kills the bootstrap for real, with SIGKILL, while an agent works for another one whose tool it is.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SubagentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let point: String
        /// Lines that the tools of the agent below leave behind, in order.
        var effects = ["fetch", "charge"]
        /// How often the model answered: 3 times below and twice above without a crash.
        var modelCalls = 5
        /// The state of the `charge` call in the end.
        var charge = "settled"

        var testDescription: String { point }
    }

    static let cases = [
        Case(point: "nowhere"),
        // Answers that were paid for and not kept.
        Case(point: "before the first answer is stored", modelCalls: 6),
        Case(point: "before the helper's first answer is stored", modelCalls: 6),
        Case(point: "before the helper's last answer is stored", modelCalls: 6),
        Case(point: "before the last answer is stored", modelCalls: 6),
        Case(point: "between claim and effect of fetch"),
        Case(point: "after the effect of fetch", effects: ["fetch", "fetch", "charge"]),
        Case(point: "between claim and effect of charge", effects: ["fetch"], charge: "unknown"),
        Case(point: "after the effect of charge", charge: "unknown"),
        Case(point: "behind the helper's outcome"),
        Case(point: "before the reply"),
    ]

    static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1"]

    /// The agent above asks the one below, which uses its two tools one after the other.
    static let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
        let messages = request["messages"]?.array ?? []
        let results = messages.count { $0["role"] == "tool" }
        if messages.first?["content"] == "Help." {
            return [.toolCalls([.init(name: "fetch")]), .toolCalls([.init(name: "charge")]), .text("Helped.")][results]
        }
        let call = ScriptedModelServer.ScriptedCall(name: "helper", arguments: #"{"message":"Do it."}"#)
        return results == 0 ? .toolCalls([call]) : .text("All done.")
    }

    @Test(arguments: cases)
    func `a turn with an agent below survives a SIGKILL, and nothing is paid or done twice`(_ test: Case) async throws {
        let environment = ["CRASH_AT": test.point, "LEADS": "1"]
        try await Deployment.run(environment: environment, answer: Self.answer) { deployment in
            if test.point != "nowhere" { #expect(try await deployment.invoke(Self.event).isError) }
            let second = try await deployment.invoke(Self.event)
            #expect(second.answer["reply"] == "All done.", "\(second.answer)")
            #expect(deployment.effects.map(\.tool) == test.effects)
            #expect(Set(deployment.effects.map(\.key)).count == Set(test.effects).count)
            #expect(deployment.model.answeredCount == test.modelCalls)
            #expect(try deployment.query("SELECT state FROM calls WHERE tool = 'charge'", of: "helper") == test.charge)
            for agent in ["crash", "helper"] {
                #expect(try deployment.query("PRAGMA integrity_check", of: agent) == "ok")
                #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'input'", of: agent) == "1")
                #expect(try deployment.query("SELECT count(*) FROM calls WHERE state = 'claimed'", of: agent) == "0")
                let doubled = "SELECT call FROM log WHERE kind = 'result' GROUP BY call HAVING count(*) > 1"
                #expect(try deployment.query(doubled, of: agent).isEmpty)
            }
            let told = "SELECT body ->> 'content' FROM log WHERE kind = 'result'"
            #expect(try deployment.query(told) == "Helped.")
            // The same request once more: an answer, and nothing runs.
            #expect(try await deployment.invoke(Self.event).answer["reply"] == "All done.")
            #expect(deployment.effects.count == test.effects.count)
            #expect(deployment.model.answeredCount == test.modelCalls)
        }
    }

    @Test func `a turn is called off from another sandbox, and that of the agent below with it`() async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, request in
            number == 1 ? .hang : Self.answer(number, request)
        }
        try await Deployment.run(environment: ["LEADS": "1"], concurrency: 2, answer: answer) { deployment in
            async let first = deployment.invoke(Self.event)
            while deployment.model.requests.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
            let stop: JSONValue = ["session": "s", "id": "stop", "cancel": true]
            #expect(try await deployment.invoke(stop).answer["status"] == "queued")
            #expect(try await first.answer["status"] == "cancelled")
            #expect(try await deployment.invoke(stop).answer["status"] == "cancelled")
            let last = "SELECT kind FROM log ORDER BY seq DESC LIMIT 1"
            for agent in ["crash", "helper"] {
                #expect(try deployment.query(last, of: agent) == "cancel")
            }
            #expect(deployment.effects.isEmpty)
        }
    }
}
