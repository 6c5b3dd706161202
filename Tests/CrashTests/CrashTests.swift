// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import PerdureTesting
import Testing

/// Kills the bootstrap for real, with SIGKILL, at each point of a turn with two tool calls, and asks again with the same
/// request id.
@Suite(.serialized) struct CrashTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let point: String
        /// Lines that the tools leave behind when they run one after the other, in order.
        var effects = ["set", "pay"]
        /// The same, as the kinds of the log's entries.
        var log = ["input", "reply", "claim", "result", "reply", "claim", "result", "reply"]
        /// How often the model answered: 3 without a crash.
        var modelCalls = 3
        /// The state of the `pay` call in the end.
        var pay = "settled"

        var testDescription: String { point }
    }

    static let rerun = ["input", "reply", "claim", "claim", "result", "reply", "claim", "result", "reply"]

    static let cases = [
        Case(point: "nowhere"),
        // An answer that was paid for and not kept: the only cases in which the model is paid again.
        Case(point: "before the first answer is stored", modelCalls: 4),
        Case(point: "before the last answer is stored", modelCalls: 4),
        // Whether a `once` tool took effect cannot be told, so it is not run again.
        Case(point: "between claim and effect of pay", effects: ["set"], pay: "unknown"),
        Case(point: "after the effect of pay", pay: "unknown"),
        // An idempotent tool runs again with the same key, which is for its service to recognise.
        Case(point: "between claim and effect of set", log: rerun),
        Case(point: "after the effect of set", effects: ["set", "set", "pay"], log: rerun),
        Case(point: "before the reply"),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: cases)
    func `a turn with two tool calls, one after the other, survives a SIGKILL`(_ test: Case) async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
            switch request["messages"]?.array?.filter({ $0["role"]?.string == "tool" }).count {
            case 0: .toolCalls([.init(name: "set")])
            case 1: .toolCalls([.init(name: "pay")])
            default: .text("All done.")
            }
        }
        try await Deployment.run(environment: ["CRASH_AT": test.point], answer: answer) { deployment in
            try await invokeTwice(deployment, crashing: test.point != "nowhere")
            #expect(deployment.effects.map(\.tool) == test.effects)
            let query = "SELECT kind FROM log WHERE kind <> 'attempt' ORDER BY seq"
            let kinds = try deployment.query(query).split(separator: "\n")
            #expect(kinds.map(String.init) == test.log)
            #expect(try deployment.query("SELECT state FROM calls WHERE tool = 'pay'") == test.pay)
            #expect(deployment.model.answeredCount == test.modelCalls)
            try await checkInvariants(of: deployment)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: cases)
    func `a turn with two tool calls at once survives a SIGKILL`(_ test: Case) async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
            request["messages"]?.array?.last?["role"]?.string == "user"
                ? .toolCalls([.init(name: "set"), .init(name: "pay")]) : .text("All done.")
        }
        try await Deployment.run(environment: ["CRASH_AT": test.point], answer: answer) { deployment in
            try await invokeTwice(deployment, crashing: test.point != "nowhere")
            #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'result'") == "2")
            #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'reply'") == "2")
            #expect(deployment.model.answeredCount <= test.modelCalls - 1)
            try await checkInvariants(of: deployment)
        }
    }

    /// The invocation that dies, and the same request again.
    private func invokeTwice(_ deployment: Deployment, crashing: Bool) async throws {
        if crashing {
            let first = try await deployment.invoke(Self.event)
            #expect(first.isError)
            #expect(first.answer["errorType"]?.string == "Runtime.ExitError")
        }
        let second = try await deployment.invoke(Self.event)
        #expect(!second.isError, "\(second.answer)")
        #expect(second.answer["reply"]?.string == "All done.")
    }

    private static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1"]

    /// What has to hold wherever it died.
    private func checkInvariants(of deployment: Deployment) async throws {
        #expect(try deployment.query("PRAGMA integrity_check") == "ok")
        #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'input'") == "1")
        // One result a call, one claim of the `once` tool, no more than one run of it.
        let doubled = "SELECT call FROM log WHERE kind = 'result' GROUP BY call HAVING count(*) > 1"
        #expect(try deployment.query(doubled).isEmpty)
        #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'claim' AND body LIKE '%once%'") == "1")
        #expect(try deployment.query("SELECT count(*) FROM calls WHERE state = 'claimed'") == "0")
        let effects = deployment.effects
        #expect(effects.count { $0.tool == "pay" } <= 1)
        // Whatever ran twice had the same key, and no two calls share one.
        #expect(Set(effects.map(\.key)).count == Set(effects.map(\.tool)).count)

        // The same request once more: an answer, and nothing runs.
        let requests = deployment.model.requests.count
        let again = try await deployment.invoke(Self.event)
        #expect(again.answer["reply"]?.string == "All done.")
        #expect(deployment.effects.count == effects.count)
        #expect(deployment.model.requests.count == requests)
    }
}
