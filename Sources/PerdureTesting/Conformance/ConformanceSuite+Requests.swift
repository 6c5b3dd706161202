// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

extension ConformanceSuite {
    static let requests = [
        ConformanceCheck("a request is accepted once") { trial in
            try await trial.append(turn(1, request: "a") + turn(2, request: "b"), outcome: .completed(reply: "reply"))
            let verdict = Verdict(position: CallPosition(reply: 1, index: 0), isApproved: true)
            let again = [
                turn(3, request: "a"), turn(3, request: "c") + turn(3, request: "c"),
                [Entry(turn: 3, fact: .decision(request: "b", verdict))],
            ]
            for entries in again {
                let lease = try await trial.lease()
                try await trial.expect(.duplicateRequest, for: "a request that is there already") {
                    try await lease.append(entries)
                }
                await attempt { try await lease.release() }
            }
            try await trial.append(turn(3, request: "A"))
        },
        ConformanceCheck("a request finds its turn and its outcome") { trial in
            let approval = Approval(
                position: CallPosition(reply: 2, index: 1), call: ToolCall(id: "a", name: "tool", arguments: "{}"),
                reason: "because")
            let outcomes: [Outcome] = [.completed(reply: "réply"), .failed(reason: "too long"), .awaiting([approval])]
            try trial.expect(try await trial.request("request 1") == nil, "a request is known before it came")
            for (number, outcome) in zip(1..., outcomes) {
                try await trial.append([turn(number)[0]])
                let open = try await trial.request("request \(number)")
                try trial.expect(open?.turn == number, "a request is of another turn")
                try trial.expect(open?.outcome == nil, "an open turn has an outcome")
                try await trial.append(turn(number, request: "another \(number)"), outcome: outcome)
                for request in ["request", "another"] {
                    let found = try await trial.request("\(request) \(number)")
                    try trial.expect(
                        found?.turn == number && found?.outcome == outcome, "a settled turn has another outcome")
                }
            }
            let first = try await trial.request("request 1")
            try trial.expect(first?.outcome == outcomes[0], "a later turn changed the outcome of an earlier one")
        },
        ConformanceCheck("one request may decide on several calls of a turn") { trial in
            let decisions = (0...1).map { index in
                Entry(
                    turn: 2,
                    fact: .decision(
                        request: "decision", Verdict(position: CallPosition(reply: 1, index: index), isApproved: true)))
            }
            try await trial.append(turn(1), outcome: .completed(reply: "reply"))
            try await trial.append(decisions, outcome: .completed(reply: "done"))
            let found = try await trial.request("decision")
            try trial.expect(found?.turn == 2 && found?.outcome == .completed(reply: "done"), "it is not known")
        },
    ]

    static let claims = [
        ConformanceCheck("a call with an effect is claimed once") { trial in
            let (first, second) = (CallPosition(reply: 1, index: 0), CallPosition(reply: 1, index: 1))
            try await trial.append([turn(1)[0], claim(first, .once)])
            for entries in [
                [claim(first, .once)], [claim(first, .once, 2)], [claim(second, .once), claim(second, .once)],
            ] {
                let lease = try await trial.lease()
                try await trial.expect(.alreadyClaimed, for: "a second claim of a call") {
                    try await lease.append(entries)
                }
                await attempt { try await lease.release() }
            }
            try await trial.append([claim(second, .once)])
        },
        ConformanceCheck("an idempotent call is claimed again with the next attempt, until it has a result") { trial in
            let call = CallPosition(reply: 1, index: 0)
            try await trial.append([turn(1)[0], claim(call, .idempotent)])
            try await trial.append([claim(call, .idempotent, 2)])
            let result = ToolResult(status: .succeeded, content: "done")
            for (attempt, before) in [(2, []), (4, []), (3, [Entry(turn: 1, fact: .result(call, result))])] {
                if !before.isEmpty { try await trial.append(before) }
                let lease = try await trial.lease()
                try await trial.expect(.alreadyClaimed, for: "a claim out of turn") {
                    try await lease.append([claim(call, .idempotent, attempt)])
                }
                await Self.attempt { try await lease.release() }
            }
        },
    ]

    private static func claim(_ call: CallPosition, _ effect: ToolEffect, _ attempt: Int = 1) -> Entry {
        Entry(turn: 1, fact: .claim(call, tool: "tool", effect: effect, attempt: attempt))
    }
}
