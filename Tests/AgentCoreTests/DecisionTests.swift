// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// Decisions that come at an odd time, a second time, or in a form of their own.
@Suite struct DecisionTests {
    typealias Bench = PauseTests.Bench
    static let first = PauseTests.first

    /// A decision on a call of the first reply; behind that call, if there is a path.
    static func decision(
        _ request: String, on index: Int = 0, path: [CallPosition] = [], approving: Bool = true
    ) -> Event {
        var verdict = Verdict(position: CallPosition(reply: 1, index: index), isApproved: approving)
        verdict.path = path
        return .verdicts(request: request, [verdict])
    }

    /// A turn whose call waits for decisions on two calls of the agent behind it.
    static func waiting() throws -> Bench {
        var bench = Bench()
        _ = try bench.send(PauseTests.input)
        _ = try bench.send(.modelReplied(PauseTests.calls("set")))
        let approvals = (0...1).map { index in
            Approval(
                position: CallPosition(reply: 1, index: index),
                call: ToolCall(id: "\(index)", name: "pay", arguments: "{}"), reason: "money")
        }
        let step = Entry.Fact.step(first, name: InnerApprovals.step(round: 1), value: InnerApprovals.json(approvals))
        bench.log.append(Entry(turn: 1, fact: step))
        try bench.loop.replay(Entry(turn: 1, fact: step))
        #expect(try bench.send(.toolSuspended(first, until: nil)) == ["awaiting"])
        try bench.restart()
        return bench
    }

    @Test func `a decision is taken although the turn was interrupted behind the one before`() throws {
        var bench = Bench()
        _ = try bench.send(PauseTests.input)
        #expect(try bench.send(.modelReplied(PauseTests.calls("ask", "ask"))) == ["awaiting"])
        #expect(try bench.send(Self.decision("2")) == ["run 1.0"])
        try bench.restart()
        let error = #expect(throws: LoopError.self) { try bench.send(Self.decision("3", approving: false)) }
        #expect(error?.code == .noSuchApproval)
        #expect(try bench.send(Self.decision("3", on: 1)) == ["run 1.1"])
        #expect(bench.kinds == "input reply approval approval decision claim decision result claim")
    }

    @Test(arguments: [0, 1])
    func `until an agent behind a call has heard of a decision, no other one is taken`(index: Int) throws {
        var bench = try Self.waiting()
        #expect(try bench.send(Self.decision("2", path: [Self.first]), startingSteps: false) == ["continuing"])
        try bench.restart()
        let error = #expect(throws: LoopError.self) {
            try bench.send(Self.decision("3", on: index, path: [Self.first], approving: false))
        }
        #expect(error?.code == .noSuchApproval)
        #expect(try bench.send(.resume) == ["run 1.0"])
    }

    @Test func `a decision does not set a parked turn going`() throws {
        var bench = try Self.waiting()
        bench.log.append(Entry(turn: 1, fact: .park(reason: "it kills")))
        try bench.restart()
        let error = #expect(throws: LoopError.self) { try bench.send(Self.decision("2", path: [Self.first])) }
        #expect(error?.code == .noSuchApproval)
        #expect(try bench.send(.release(request: "3")) == ["run 1.0"])
    }

    @Test func `a signal that looks like a decision is refused`() throws {
        var bench = try Self.waiting()
        let name = InnerApprovals.signal(for: Self.first, round: 1)
        let error = #expect(throws: LoopError.self) {
            try bench.send(.signal(request: "2", name: name, value: [["call": "1.0", "approve": true]]))
        }
        #expect(error?.code == .badDecision)
    }

    @Test func `arguments that come with a rejection are passed over`() throws {
        var bench = Bench()
        _ = try bench.send(PauseTests.input)
        _ = try bench.send(.modelReplied(PauseTests.calls("ask")))
        let no = Verdict(position: Self.first, isApproved: false, reason: "too much", arguments: #"{"n":2}"#)
        #expect(try bench.send(.verdicts(request: "2", [no])) == ["model 3"])
        guard case .tool(_, let content)? = bench.loop.history.messages.last else { throw Crash() }
        #expect(content.hasPrefix("The call was not approved"))
    }

    @Test func `numbers that make no sense stop nothing`() throws {
        var bench = Bench {
            $0.price = TokenPrice(input: 1, output: 5, cachedInput: 0.1)
            $0.created = .min
            $0.sessionBudget = Budget(age: .seconds(Int64.max))
        }
        _ = try bench.send(PauseTests.input, at: .max / 2)
        var reply = PauseTests.calls("ask")
        reply.usage = TokenUsage(input: .min, output: .min, cachedInput: 1)
        #expect(try bench.send(.modelReplied(reply), at: .max / 2) == ["awaiting"])
        #expect(bench.loop.history.spent.cost == 1)
    }
}
