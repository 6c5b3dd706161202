// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

/// Summaries in place of what is left out.
@Suite struct SummaryTests {
    typealias Bench = ContextTests.Bench

    /// A few turns fit, and then a summary is due.
    static let policy = ContextPolicy.summarising(beyond: 80, keeping: 55, instructions: "Summarise.")

    /// A summary is due, and asked for.
    static func due(
        _ policy: ContextPolicy = policy, _ change: (inout AgentLoop.Definition) -> Void = { _ in }
    ) throws -> Bench {
        var bench = Bench(policy, change)
        var number = 0
        while bench.summaries.isEmpty, number < 20 {
            number += 1
            if number > 1 {
                try bench.send(.modelReplied(ModelReply(text: "answer \(number - 1)")))
            }
            try bench.send(.input(request: "\(number)", text: "question \(number)"))
        }
        return bench
    }

    static func opening(_ summary: String, _ text: String) -> String {
        """
        (Earlier messages of this conversation are left out. A summary of them:)

        \(summary)

        (End of the summary.)

        \(text)
        """
    }

    @Test func `its request begins as the requests before it, and the next one begins with it`() throws {
        var bench = try Self.due()
        let asked = try #require(bench.summaries.first)
        let before = try #require(bench.requests.last)
        #expect(asked.messages.last == .user("Summarise."))
        #expect(!asked.allowsToolCalls && asked.tools.map(\.name) == before.tools.map(\.name))
        let part = asked.messages.dropLast()
        #expect(part.count > 1 && (before.messages + [.assistant(ModelReply(text: "answer"))]).count >= part.count)
        #expect(part.prefix(before.messages.count) == before.messages.prefix(part.count))
        #expect(bench.cuts == 0)
        try bench.send(.summarised(ModelReply(text: "They asked.")))
        #expect(bench.cuts == 1)
        let dropped = try #require(bench.history.compaction?.dropped)
        #expect(dropped == part.count)
        guard case .user(let next) = bench.history.messages[dropped] else { throw Crash() }
        #expect(bench.sent.first == Self.opening("They asked.", next))
        #expect(bench.sent.dropFirst() == bench.texts(bench.history.messages).dropFirst(dropped + 1))
    }

    @Test func `what the user said last is not summarised, however little else there is`() throws {
        var bench = Bench(Self.policy)
        try bench.turn(1)
        try bench.send(.input(request: "2", text: "question 2"))
        try bench.round(String(repeating: "word ", count: 100))
        #expect(bench.texts(bench.summaries.first?.messages ?? []) == ["question 1", "answer 1", "Summarise."])
        try bench.send(.summarised(ModelReply(text: "They asked.")))
        #expect(bench.sent.first == Self.opening("They asked.", "question 2"))
        #expect(bench.sent.count == 3)
    }

    @Test func `the next summary is written from the one before`() throws {
        var bench = try Self.due()
        try bench.send(.summarised(ModelReply(text: "First summary.")))
        for number in 10..<20 where bench.summaries.count == 1 {
            try bench.send(.modelReplied(ModelReply(text: "answer \(number)")))
            try bench.send(.input(request: "\(number)", text: "question \(number)"))
        }
        let asked = try #require(bench.summaries.last)
        #expect(bench.texts(asked.messages).first?.contains("First summary.") == true)
        try bench.send(.summarised(ModelReply(text: "Second summary.")))
        #expect(bench.sent[0].contains("Second summary.") && !bench.sent[0].contains("First summary."))
    }

    @Test func `a summary that is refused, or says nothing, leaves a window, and the summary before`() throws {
        var refused = try Self.due()
        try refused.send(.summaryRefused)
        #expect(refused.history.compaction?.summary == nil)
        #expect(refused.sent.first?.hasPrefix(ContextTests.note) == true)
        #expect(refused.history.spent.modelCalls == refused.history.replies)
        var empty = try Self.due()
        try empty.send(.summarised(ModelReply(text: "First summary.")))
        for number in 10..<20 where empty.summaries.count == 1 {
            try empty.send(.modelReplied(ModelReply(text: "answer \(number)")))
            try empty.send(.input(request: "\(number)", text: "question \(number)"))
        }
        let dropped = try #require(empty.history.compaction?.dropped)
        try empty.send(.summarised(ModelReply(text: " \n", usage: TokenUsage(input: 7, output: 1))))
        #expect(empty.sent[0].contains("First summary."))
        #expect(try #require(empty.history.compaction?.dropped) > dropped)
        #expect(empty.history.spent.input == 7)
        #expect(empty.history.spent.modelCalls == empty.history.replies + 2)
    }

    @Test func `it is paid for, and the budget is looked at before the call that it is for`() throws {
        var bench = try Self.due {
            $0.turnBudget = Budget(tokens: 100)
            $0.price = TokenPrice(input: 1, output: 5)
        }
        try bench.send(.summarised(ModelReply(text: "They asked.", usage: TokenUsage(input: 90, output: 10))))
        #expect(bench.outcome == .parked(reason: "the turn has used its 100 tokens"))
        #expect(bench.history.spentInTurn.cost == 140)
        #expect(bench.history.spent.modelCalls == bench.history.replies + 1)
        try bench.restart()
        let count = bench.summaries.count
        try bench.send(.release(request: "go"))
        #expect(bench.summaries.count == count)
        #expect(bench.sent.first?.contains("They asked.") == true)
    }

    @Test func `after a crash the same summary is asked for, and none that was stored`() throws {
        var bench = try Self.due()
        try bench.restart()
        try bench.send(.resume)
        #expect(bench.summaries.count == 2)
        #expect(bench.summaries[0].messages == bench.summaries[1].messages)
        try bench.send(.summarised(ModelReply(text: "They asked.")))
        let request = try #require(bench.requests.last)
        try bench.restart()
        try bench.send(.resume)
        #expect(bench.summaries.count == 2)
        #expect(bench.requests.last?.messages == request.messages)
    }

    @Test func `a turn whose time is up at the summary goes on with it`() throws {
        var bench = try Self.due()
        try bench.send(.timeUp)
        #expect(bench.outcome == .continuing)
        #expect(throws: LoopError.self) { try bench.send(.summarised(ModelReply(text: "late"))) }
        try bench.send(.resume)
        #expect(throws: LoopError.self) { try bench.send(.modelReplied(ModelReply(text: "what?"))) }
        #expect(throws: LoopError.self) { try bench.send(.input(request: "x", text: "in between")) }
        try bench.send(.summarised(ModelReply(text: "They asked.")), startingSteps: false)
        #expect(bench.outcome == .continuing)
        try bench.restart()
        try bench.send(.resume)
        #expect(bench.sent.first?.contains("They asked.") == true)
        #expect(bench.summaries.count == 2)
    }
}
