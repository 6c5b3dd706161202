// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

@Suite struct HistoryTests {
    static let first = CallPosition(reply: 1, index: 0)

    static func claim(_ effect: ToolEffect, _ attempt: Int) -> Entry {
        Entry(turn: 1, fact: .claim(first, tool: "t", effect: effect, attempt: attempt))
    }

    static let asked: [Entry] = [
        Entry(turn: 1, fact: .input(request: "1", text: "hello")),
        Entry(
            turn: 1, fact: .reply(ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "t", arguments: "{}")]))),
    ]
    static let settled = Entry(turn: 1, fact: .result(first, ToolResult(status: .succeeded, content: "")))
    static let step = Entry(turn: 1, fact: .step(first, name: "s", value: .null))
    static let waits = Entry(turn: 1, fact: .approvalRequest(first, reason: ""))
    static let agreed = Entry(turn: 2, fact: .decision(request: "2", Verdict(position: first, isApproved: true)))

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let before: [Entry]
        let entry: Entry
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "turn 0", before: [], entry: Entry(turn: 0, fact: .input(request: "1", text: ""))),
        Case(name: "turn 2 first", before: [], entry: Entry(turn: 2, fact: .input(request: "1", text: ""))),
        Case(
            name: "a turn before", before: asked + [settled, waits].prefix(1),
            entry: Entry(turn: 0, fact: .input(request: "2", text: ""))),
        Case(name: "the largest turn", before: [], entry: Entry(turn: .max, fact: .input(request: "1", text: ""))),
        Case(name: "a reply first", before: [], entry: Entry(turn: 1, fact: .reply(ModelReply(text: "")))),
        Case(name: "a reply to open calls", before: asked, entry: Entry(turn: 1, fact: .reply(ModelReply(text: "")))),
        Case(
            name: "an input over open calls", before: asked, entry: Entry(turn: 1, fact: .input(request: "2", text: ""))
        ),
        Case(name: "a claim of nothing", before: [], entry: claim(.once, 1)),
        Case(name: "attempt 2 first", before: asked, entry: claim(.idempotent, 2)),
        Case(name: "attempt 0", before: asked, entry: claim(.once, 0)),
        Case(name: "the largest attempt", before: asked, entry: claim(.idempotent, .max)),
        Case(name: "the smallest attempt", before: asked + [claim(.idempotent, 1)], entry: claim(.idempotent, .min)),
        Case(name: "once, twice", before: asked + [claim(.once, 1)], entry: claim(.once, 2)),
        Case(name: "once after idempotent", before: asked + [claim(.idempotent, 1)], entry: claim(.once, 2)),
        Case(name: "the same attempt", before: asked + [claim(.idempotent, 1)], entry: claim(.idempotent, 1)),
        Case(name: "a step of nothing", before: [], entry: step),
        Case(name: "a step of a settled call", before: asked + [settled], entry: step),
        Case(name: "a step twice", before: asked + [claim(.idempotent, 1), step], entry: step),
        Case(name: "a claim before the decision", before: asked + [waits], entry: claim(.once, 1)),
        Case(name: "a claim of a settled call", before: asked + [settled], entry: claim(.once, 1)),
        Case(name: "a second result", before: asked + [settled], entry: settled),
        Case(name: "a decision that nobody waits for", before: asked, entry: agreed),
        Case(name: "a second decision", before: asked + [waits, agreed], entry: agreed),
        Case(name: "an approval request of a claimed call", before: asked + [claim(.once, 1)], entry: waits),
    ])
    func `an entry that cannot follow is refused and changes nothing`(_ item: Case) throws {
        var history = History()
        for entry in item.before { try history.apply(entry) }
        let before = "\(history)"
        let error = #expect(throws: LoopError.self) { try history.apply(item.entry) }
        #expect(error?.code == .brokenLog)
        #expect("\(history)" == before)
    }

    @Test func `an idempotent call may be claimed again and again`() throws {
        var history = History()
        for entry in Self.asked + (1...5).map({ Self.claim(.idempotent, $0) }) { try history.apply(entry) }
        #expect(history.calls.map(\.state) == [.claimed(effect: .idempotent, attempt: 5)])
    }
}
