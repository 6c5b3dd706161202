// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// How a turn is put off, waits, stops at a limit, and goes on.
@Suite struct PauseTests {
    static let first = CallPosition(reply: 1, index: 0)

    static func calls(_ names: String...) -> ModelReply {
        ModelReply(
            text: "", toolCalls: names.map { ToolCall(id: $0, name: $0, arguments: #"{"n": 1}"#) },
            usage: TokenUsage(input: 100, output: 10, cachedInput: 50))
    }

    static let done = ToolResult(status: .succeeded, content: "ok")

    /// A loop, and the log that it asked for.
    struct Bench {
        var loop: AgentLoop
        var log: [Entry] = []

        init(_ change: (inout AgentLoop.Definition) -> Void = { _ in }) {
            var definition = AgentLoop.Definition(sessionIdentity: "s", instructions: "", tools: Harness.tools)
            change(&definition)
            loop = AgentLoop(definition)
        }

        /// Sends an event and returns what is to be done besides committing.
        mutating func send(_ event: Event, at time: Int64 = 0, startingSteps: Bool = true) throws -> [String] {
            var rest: [String] = []
            for effect in try loop.handle(event, at: time, startingSteps: startingSteps) {
                switch effect {
                case .commit(let entries, _): log += entries
                case .callModel(let request): rest.append("model \(request.messages.count)")
                case .summarise(let request, _): rest.append("summary \(request.messages.count)")
                case .runTool(let run): rest.append("run \(run.position)")
                case .finish(let outcome): rest.append("\(outcome.json["status"]?.string ?? "")")
                }
            }
            return rest
        }

        /// The process ends, and another one reads the log.
        mutating func restart() throws {
            loop = AgentLoop(loop.definition)
            for entry in log { try loop.replay(entry) }
        }

        var kinds: String { log.map(\.kind.rawValue).joined(separator: " ") }
    }

    static let input = Event.input(request: "1", text: "hello")

    @Test func `without time for another step a reply is kept and the turn put off`() throws {
        var bench = Bench()
        #expect(try bench.send(Self.input) == ["model 1"])
        #expect(try bench.send(.modelReplied(Self.calls("pay")), startingSteps: false) == ["continuing"])
        #expect(bench.kinds == "input reply pause")
        try bench.restart()
        #expect(try bench.send(.resume) == ["run 1.0"])
        #expect(try bench.send(.toolFinished(Self.first, Self.done), startingSteps: false) == ["continuing"])
        try bench.restart()
        #expect(try bench.send(.resume) == ["model 3"])
        #expect(bench.kinds == "input reply pause attempt claim result pause attempt")
        #expect(bench.loop.history.interruptions == 0)
    }

    @Test func `siblings that run are waited for before a turn is put off, and no further one starts`() throws {
        var bench = Bench { $0.maximumParallelTools = 2 }
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(Self.calls("pay", "set", "read"))) == ["run 1.0", "run 1.1"])
        #expect(try bench.send(.toolFinished(Self.first, Self.done), startingSteps: false) == [])
        let second = CallPosition(reply: 1, index: 1)
        #expect(try bench.send(.toolFinished(second, Self.done), startingSteps: false) == ["continuing"])
        try bench.restart()
        #expect(try bench.send(.resume) == ["run 1.2"])
    }

    @Test func `a further call starts when one has ended`() throws {
        var bench = Bench { $0.maximumParallelTools = 1 }
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(Self.calls("pay", "set"))) == ["run 1.0"])
        #expect(bench.kinds == "input reply claim")
        #expect(try bench.send(.toolFinished(Self.first, Self.done)) == ["run 1.1"])
        #expect(bench.kinds == "input reply claim result claim")
    }

    @Test func `a tool that waits suspends the turn until the time has come`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(Self.calls("set", "pay"))) == ["run 1.0", "run 1.1"])
        #expect(try bench.send(.toolSuspended(Self.first, until: 1000)) == [])
        #expect(try bench.send(.toolFinished(CallPosition(reply: 1, index: 1), Self.done)) == ["suspended"])
        #expect(bench.loop.history.pause == .waiting(until: 1000))
        try bench.restart()
        #expect(bench.loop.history.phase == .suspended)
        #expect(try bench.send(.resume, at: 999) == ["suspended"])
        let kinds = bench.kinds
        #expect(try bench.send(.resume, at: 1000) == ["run 1.0"])
        #expect(bench.kinds == kinds + " attempt claim")
        #expect(bench.loop.history.interruptions == 0)
    }

    @Test func `a signal sets a turn going that waits for it, and is not lost when it comes early`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        _ = try bench.send(.modelReplied(Self.calls("set")))
        #expect(try bench.send(.toolSuspended(Self.first, until: nil)) == ["suspended"])
        try bench.restart()
        #expect(try bench.send(.resume, at: .max / 2) == ["suspended"])
        #expect(try bench.send(.signal(request: "2", name: "paid", value: 7)) == ["run 1.0"])
        #expect(bench.loop.history.signals == ["paid": [7]])
        try bench.loop.replay(
            Entry(turn: 1, fact: .step(Self.first, name: SignalStep.step(ofSignal: "paid"), value: SignalStep.taken(7)))
        )
        #expect(bench.loop.history.signals["paid"] == [])
        #expect(try bench.send(.toolFinished(Self.first, Self.done)) == ["model 3"])
        #expect(throws: LoopError.self) { try bench.send(.signal(request: "3", name: "paid", value: 7)) }
    }

    @Test func `a signal that one of two calls took is not left for the other one`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        _ = try bench.send(.modelReplied(Self.calls("set", "set")))
        let second = CallPosition(reply: 1, index: 1)
        for place in ["first", "second"] {
            try bench.loop.replay(Entry(turn: 1, fact: .signal(request: place, name: "paid", value: .init(place))))
        }
        // The first call took the first one, and ends before that is recorded.
        let step = SignalStep.step(ofSignal: "paid")
        try bench.loop.replay(Entry(turn: 1, fact: .step(second, name: step, value: SignalStep.taken("second"))))
        #expect(bench.loop.history.signals == ["paid": ["first"]])
    }

    @Test func `a message joins a turn that waits and overtakes the call`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        _ = try bench.send(.modelReplied(Self.calls("set")))
        _ = try bench.send(.toolSuspended(Self.first, until: 1000))
        #expect(try bench.send(.input(request: "2", text: "never mind")) == ["model 4"])
        #expect(bench.log.map(\.turn).max() == 1)
        #expect(illegality(of: bench.loop.history.messages) == nil)
    }

    @Test func `approvals beside a wait can be decided while it lasts`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(Self.calls("ask", "set"))) == ["run 1.1"])
        let second = CallPosition(reply: 1, index: 1)
        #expect(try bench.send(.toolSuspended(second, until: 1000)) == ["awaiting"])
        try bench.restart()
        let yes = Verdict(position: Self.first, isApproved: true)
        #expect(try bench.send(.verdicts(request: "2", [yes])) == ["run 1.0", "run 1.1"])
        #expect(try bench.send(.toolFinished(Self.first, Self.done)) == [])
        #expect(try bench.send(.toolSuspended(second, until: 1000)) == ["suspended"])
        #expect(try bench.send(.resume, at: 2000) == ["run 1.1"])
    }

    @Test func `a turn that is called off is settled, and the next one goes on from there`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        _ = try bench.send(.modelReplied(Self.calls("pay", "read")))
        #expect(try bench.send(.cancel(request: "2", reason: "wrong")) == ["cancelled"])
        #expect(bench.kinds == "input reply claim result result cancel")
        #expect(bench.loop.history.phase == .idle)
        #expect(throws: LoopError.self) { try bench.send(.cancel(request: "3", reason: nil)) }
        try bench.restart()
        #expect(try bench.send(.input(request: "4", text: "again")) == ["model 5"])
        #expect(illegality(of: bench.loop.history.messages) == nil)
    }

    @Test(arguments: [Budget(modelCalls: 1), Budget(tokens: 110), Budget(cost: 0.0001)])
    func `a turn stops where its budget is spent, and a new turn has a new one`(_ budget: Budget) throws {
        var bench = Bench {
            $0.turnBudget = budget
            $0.price = TokenPrice(input: 1, output: 5, cachedInput: 0.1)
        }
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(Self.calls("set"))) == ["parked"])
        // 50 tokens for 1, 50 for a tenth and 10 for 5 of a millionth.
        #expect(bench.loop.history.spent.cost == 105)
        #expect(bench.kinds == "input reply park")
        try bench.restart()
        #expect(throws: LoopError.self) { try bench.send(.resume) }
        #expect(try bench.send(.signal(request: "5", name: "s", value: 1)) == ["parked"])
        #expect(try bench.send(.release(request: "2")) == ["run 1.0"])
        #expect(bench.loop.history.spentInTurn == Spending())
        #expect(bench.loop.history.spent.modelCalls == 1)
    }

    @Test func `a session stops where its budget is spent, or at its age`() throws {
        var bench = Bench { $0.sessionBudget = Budget(modelCalls: 1) }
        _ = try bench.send(Self.input)
        #expect(try bench.send(.modelReplied(ModelReply(text: "hi"))) == ["completed"])
        #expect(try bench.send(.input(request: "2", text: "more")) == ["parked"])
        #expect(try bench.send(.release(request: "3")) == ["parked"])
        var old = Bench {
            $0.sessionBudget = Budget(age: .seconds(60))
            $0.created = 1000
        }
        #expect(try old.send(Self.input, at: 60_999) == ["model 1"])
        #expect(try old.send(.modelReplied(Self.calls("set")), at: 61_000) == ["parked"])
    }

    @Test func `a person's arguments replace the model's, and the model is told`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input)
        _ = try bench.send(.modelReplied(Self.calls("ask")))
        let wrong = Verdict(position: Self.first, isApproved: true, arguments: "{")
        let error = #expect(throws: LoopError.self) { try bench.send(.verdicts(request: "2", [wrong])) }
        #expect(error?.code == .badDecision)
        let changed = Verdict(position: Self.first, isApproved: true, arguments: #"{"n":2}"#)
        let effects = try bench.loop.handle(.verdicts(request: "2", [changed]))
        guard case .runTool(let run)? = effects.last else { throw Crash() }
        #expect(run.arguments == ["n": 2])
        _ = try bench.loop.handle(.toolFinished(Self.first, Self.done))
        guard case .tool(let call, let content)? = bench.loop.history.messages.last else { throw Crash() }
        #expect(call.arguments == #"{"n": 1}"#)
        #expect(content.contains(#"{"n":2}"#) && content.hasSuffix("ok"))
    }

    @Test(arguments: [Int64.max, .max / 1000, .max / 2000, .min])
    func `an approval may have any time`(seconds: Int64) throws {
        var bench = Bench { definition in
            definition.tools = [
                ToolSpecification(name: "slow", description: "", parameters: [:], effect: .once) { _ in
                    .required(reason: "", within: .seconds(seconds))
                }
            ]
        }
        _ = try bench.send(Self.input, at: 1_800_000_000_000)
        #expect(try bench.send(.modelReplied(Self.calls("slow")), at: 1_800_000_000_000) == ["awaiting"])
        let expires = try #require(bench.loop.history.approvals.first?.expires)
        #expect(seconds > 0 ? expires > .max / 4 : expires == 1_800_000_000_000)
    }

    @Test func `an approval that nobody gives in time is a rejection, by a late decision or by a wake`() throws {
        var bench = Bench()
        _ = try bench.send(Self.input, at: 100)
        #expect(try bench.send(.modelReplied(Self.calls("urgent")), at: 100) == ["awaiting"])
        #expect(bench.loop.history.approvals.first?.expires == 60_100)
        var woken = bench
        let yes = Verdict(position: Self.first, isApproved: true)
        #expect(try bench.send(.verdicts(request: "2", [yes]), at: 60_100) == ["model 3"])
        #expect(bench.kinds == "input reply approval decision result")
        #expect(throws: LoopError.self) { try woken.send(.release(request: "2"), at: 60_099) }
        #expect(try woken.send(.release(request: "2"), at: 60_100) == ["model 3"])
        #expect(woken.kinds == "input reply approval attempt result")
        #expect(bench.loop.history.messages == woken.loop.history.messages)
    }
}
