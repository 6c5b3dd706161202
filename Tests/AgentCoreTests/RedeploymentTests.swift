// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// An agent is deployed anew between the crash and the recovery.
@Suite struct RedeploymentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let claimed: ToolEffect
        let now: ToolEffect?
        /// The attempt that runs; nil when the call is reported as unknown.
        let attempt: Int?
        var testDescription: String { "\(claimed), then \(now.map(\.rawValue) ?? "gone")" }
    }

    @Test(arguments: [
        Case(claimed: .once, now: .once, attempt: nil),
        Case(claimed: .once, now: .idempotent, attempt: nil),
        Case(claimed: .once, now: .pure, attempt: nil),
        Case(claimed: .once, now: nil, attempt: nil),
        Case(claimed: .idempotent, now: .once, attempt: nil),
        Case(claimed: .idempotent, now: .idempotent, attempt: 2),
        Case(claimed: .idempotent, now: .pure, attempt: 0),
        Case(claimed: .idempotent, now: nil, attempt: nil),
    ])
    func `an interrupted call is judged by what it was and what it is`(_ item: Case) throws {
        let tools = item.now.map { [ToolSpecification(name: "t", description: "", parameters: [:], effect: $0)] }
        var loop = AgentLoop(.init(sessionIdentity: "s", instructions: "", tools: tools ?? []))
        for entry in HistoryTests.asked + [HistoryTests.claim(item.claimed, 1)] { try loop.replay(entry) }
        let effects = try loop.handle(.resume)
        guard case .commit(let entries, nil) = effects.first, entries.first?.kind == .attempt else {
            Issue.record("an attempt begins with its entry")
            return
        }
        switch entries.dropFirst().first?.fact {
        case nil:
            #expect(item.attempt == 0 && effects.runs.count == 1)
        case .claim(HistoryTests.first, tool: "t", effect: .idempotent, let attempt):
            #expect(attempt == item.attempt)
            #expect(effects.runs.count == 1)
        case .result(HistoryTests.first, let result):
            #expect(item.attempt == nil && result.status == .unknown)
            #expect(effects.runs.isEmpty && effects.request != nil)
        default:
            Issue.record("\(entries)")
        }
    }
}
