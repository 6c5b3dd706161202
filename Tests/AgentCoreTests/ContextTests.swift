// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

/// What requests hold under each policy.
@Suite(.timeLimit(.minutes(1))) struct ContextTests {
    /// A loop, the log that it asked for, and the requests that it made.
    struct Bench {
        var loop: AgentLoop
        var log: [Entry] = []
        var requests: [ModelRequest] = []
        var summaries: [ModelRequest] = []
        var outcome: Outcome?

        init(_ context: ContextPolicy, _ change: (inout AgentLoop.Definition) -> Void = { _ in }) {
            var definition = AgentLoop.Definition(sessionIdentity: "s", instructions: "", tools: Harness.tools)
            definition.maximumModelCalls = 1000
            definition.context = context
            change(&definition)
            loop = AgentLoop(definition)
        }

        var history: History { loop.history }

        mutating func send(_ event: Event, startingSteps: Bool = true) throws {
            outcome = nil
            for effect in try loop.handle(event, startingSteps: startingSteps) {
                switch effect {
                case .commit(let entries, _): log += entries
                case .callModel(let request): requests.append(request)
                case .summarise(let request, _): summaries.append(request)
                case .runTool: break
                case .finish(let outcome): self.outcome = outcome
                }
            }
        }

        mutating func restart() throws {
            loop = AgentLoop(loop.definition)
            for entry in log { try loop.replay(entry) }
        }

        /// A turn of one message and its answer.
        mutating func turn(_ number: Int, usage: TokenUsage? = nil) throws {
            try send(.input(request: "\(number)", text: "question \(number)"))
            try send(.modelReplied(ModelReply(text: "answer \(number)", usage: usage)))
        }

        /// A call, and its result.
        mutating func round(_ result: String = "ok", usage: TokenUsage? = nil) throws {
            let call = ToolCall(id: "i", name: "read", arguments: "{}")
            try send(.modelReplied(ModelReply(text: "", toolCalls: [call], usage: usage)))
            let position = CallPosition(reply: history.replies, index: 0)
            try send(.toolFinished(position, ToolResult(status: .succeeded, content: result)))
        }

        var cuts: Int { log.count { $0.kind == .compaction } }
        /// What the newest request holds.
        var sent: [String] { texts(requests.last?.messages ?? []) }

        func texts(_ messages: [Message]) -> [String] {
            messages.map { message in
                switch message {
                case .user(let text): text
                case .assistant(let reply): reply.toolCalls.first.map { "calls \($0.name)" } ?? reply.text
                case .tool(_, let content): content
                }
            }
        }
    }

    static let note = "(Earlier messages of this conversation are left out.)"

    @Test func `a window of turns keeps the newest ones whole`() throws {
        var bench = Bench(.window(turns: 3, keeping: 2))
        for number in 1...3 { try bench.turn(number) }
        #expect(bench.cuts == 0)
        try bench.turn(4)
        #expect(bench.sent == ["\(Self.note)\n\nquestion 3", "answer 3", "question 4"])
        try bench.turn(5)
        #expect(bench.sent == ["\(Self.note)\n\nquestion 3", "answer 3", "question 4", "answer 4", "question 5"])
        try bench.turn(6)
        #expect(bench.sent == ["\(Self.note)\n\nquestion 5", "answer 5", "question 6"])
        #expect(bench.cuts == 2)
        #expect(bench.history.messages.count == 12)
    }

    @Test func `in a turn of many calls what the user said stays, and no result is without its call`() throws {
        var bench = Bench(.window(messages: 8, keeping: 4))
        try bench.turn(1)
        try bench.send(.input(request: "2", text: "question 2"))
        for number in 1...3 { try bench.round("result \(number)") }
        #expect(
            bench.sent == ["\(Self.note)\n\nquestion 2", "calls read", "result 3"])
        for number in 4...30 {
            try bench.round("result \(number)")
            #expect(illegality(of: bench.requests.last?.messages ?? []) == nil)
            #expect(bench.sent.first == "\(Self.note)\n\nquestion 2" && bench.sent.last == "result \(number)")
        }
    }

    @Test func `cuts are rare, and between them each request begins with the one before`() throws {
        var bench = Bench(.window(tokens: 1000, keeping: 500))
        for number in 1...300 { try bench.turn(number) }
        var breaks = 0
        for (before, after) in zip(bench.requests, bench.requests.dropFirst())
        where after.messages.prefix(before.messages.count) != before.messages[...] { breaks += 1 }
        #expect(breaks == bench.cuts)
        // A turn is about 13 tokens, and a cut frees 500 of them.
        #expect((5...9).contains(bench.cuts))
    }

    @Test func `where the newest part alone is too long, not every request is cut`() throws {
        var bench = Bench(.window(tokens: 200, keeping: 100))
        try bench.send(.input(request: "1", text: String(repeating: "long ", count: 400)))
        for _ in 1...20 { try bench.round("ok") }
        // A round is about 10 tokens, and a cut frees a quarter of 100 at least.
        #expect((1...7).contains(bench.cuts))
    }

    @Test func `what the provider counted is what counts`() throws {
        var bench = Bench(.window(tokens: 1000, keeping: 800))
        for number in 1...5 { try bench.turn(number, usage: TokenUsage(input: 900, output: 10)) }
        #expect(bench.cuts == 0)
        try bench.turn(6, usage: TokenUsage(input: 1100, output: 10))
        try bench.turn(7)
        #expect(bench.cuts == 1)
        // Counted tokens are many for each byte here, and what stays is measured by that.
        #expect((3...9).contains(bench.requests.last?.messages.count ?? 0))
        // Until the next count, the shorter request is estimated.
        try bench.turn(8)
        #expect(bench.cuts == 1)
    }

    @Test func `old results are left out, and the newest, the short and the unseen stay`() throws {
        var bench = Bench(.droppingToolResults(beyond: 400, keepingNewest: 1, freeing: 100))
        let long = String(repeating: "x", count: 400)
        try bench.send(.input(request: "1", text: "go"))
        try bench.round("short")
        for number in 1...4 { try bench.round("\(number) \(long)") }
        let note = "(This result is left out, to shorten the conversation.)"
        #expect(bench.sent.filter { $0 != "calls read" } == ["go", "short", note, note, note, "4 \(long)"])
        #expect(bench.cuts == 1)
        #expect(!bench.texts(bench.history.messages).contains(note))
        var patient = Bench(.droppingToolResults(beyond: 400, keepingNewest: 1, freeing: 10_000))
        try patient.send(.input(request: "1", text: "go"))
        for number in 1...8 { try patient.round("\(number) \(long)") }
        #expect(patient.cuts == 0)
    }

    @Test func `a later attempt asks the same, whatever the policy is by then`() throws {
        var bench = Bench(.window(messages: 4, keeping: 3))
        for number in 1...2 { try bench.turn(number) }
        try bench.send(.input(request: "3", text: "question 3"))
        #expect(bench.cuts == 1 && bench.sent.count == 3)
        try bench.restart()
        try bench.send(.resume)
        bench.loop = AgentLoop(Bench(.window(messages: 2, keeping: 1)).loop.definition)
        for entry in bench.log { try bench.loop.replay(entry) }
        try bench.send(.resume)
        #expect(bench.requests.suffix(3).allSatisfy { $0.messages == bench.requests.last?.messages })
        #expect(bench.cuts == 1)
    }

    @Test func `a later attempt asks the same where the estimate would say that it is still too long`() throws {
        var bench = Bench(.window(tokens: 100, keeping: 90))
        // The provider counts less than a third of the estimate.
        for number in 1...20 where bench.cuts == 0 {
            try bench.turn(number, usage: TokenUsage(input: 15 + 4 * number, output: 1))
            try bench.send(.input(request: "q\(number)", text: String(repeating: "long ", count: 10)))
            guard bench.cuts == 0 else { break }
            try bench.send(.modelReplied(ModelReply(text: "ok", usage: TokenUsage(input: 17 + 4 * number, output: 1))))
        }
        #expect(bench.cuts == 1)
        try bench.restart()
        try bench.send(.resume)
        #expect(bench.cuts == 1)
        #expect(bench.requests.last?.messages == bench.requests.dropLast().last?.messages)
    }

    @Test func `a message that joins the turn stays in the request with the one before it`() throws {
        var bench = Bench(.window(messages: 3, keeping: 1))
        try bench.turn(1)
        try bench.send(.input(request: "2", text: "question 2"))
        try bench.send(.timeUp)
        try bench.send(.input(request: "3", text: "question 3"))
        #expect(bench.sent == ["\(Self.note)\n\nquestion 2", "question 3"])
    }

    @Test func `going back takes the cut back, and an earlier one stays`() throws {
        var bench = Bench(.window(turns: 2, keeping: 1))
        for number in 1...5 { try bench.turn(number) }
        #expect(bench.cuts == 2)
        func sent(after target: Int) throws -> [String] {
            var bench = bench
            try bench.loop.replay(Entry(turn: 6, fact: .rewind(toTurn: target)))
            return bench.texts(bench.history.context)
        }
        #expect(try sent(after: 0) == [])
        #expect(try sent(after: 2) == ["question 1", "answer 1", "question 2", "answer 2"])
        #expect(try sent(after: 3) == ["\(Self.note)\n\nquestion 3", "answer 3"])
        #expect(try sent(after: 4) == ["\(Self.note)\n\nquestion 3", "answer 3", "question 4", "answer 4"])
        #expect(try sent(after: 5) == ["\(Self.note)\n\nquestion 5", "answer 5"])
    }

    @Test func `a turn that is refused leaves the cut that was made in it`() throws {
        var bench = Bench(.window(turns: 2, keeping: 1))
        for number in 1...2 { try bench.turn(number) }
        try bench.send(.input(request: "3", text: "far too long"))
        try bench.send(.modelRefused(reason: "400"))
        #expect(bench.texts(bench.history.context) == [Self.note])
        try bench.turn(4)
        #expect(bench.sent == ["\(Self.note)\n\nquestion 4"])
    }

    @Test(arguments: [
        Compaction(dropped: -1), Compaction(dropped: 6), Compaction(dropped: 5, kept: [3]), Compaction(dropped: 5),
        Compaction(dropped: 4, kept: [2, 0]), Compaction(dropped: 4, kept: [2, 4]),
        Compaction(dropped: 3, kept: [1, 2]),
        Compaction(dropped: 2, clearedResults: -1), Compaction(dropped: 2, clearedResults: 6),
        Compaction(dropped: .max, kept: [.max], clearedResults: .max), Compaction(dropped: 4, kept: [2, 2]),
    ])
    func `a compaction that does not fit is refused and changes nothing`(_ compaction: Compaction) throws {
        var bench = Bench(.everything)
        try bench.turn(1)
        try bench.send(.input(request: "2", text: "question 2"))
        try bench.round()
        var history = bench.history
        #expect(history.messages.count == 5)
        let before = "\(history)"
        let error = #expect(throws: LoopError.self) {
            try history.apply(Entry(turn: 2, fact: .compaction(compaction)))
        }
        #expect(error?.code == .brokenLog)
        #expect("\(history)" == before)
        try history.apply(Entry(turn: 2, fact: .compaction(Compaction(dropped: 3, kept: [2], clearedResults: 3))))
        #expect(throws: LoopError.self) {
            try history.apply(Entry(turn: 2, fact: .compaction(Compaction(dropped: 2, clearedResults: 3))))
        }
    }

    @Test func `a policy without a distance between its limit and what it keeps is no policy`() {
        #expect(ContextPolicy.everything.problem == nil)
        #expect(ContextPolicy.window(tokens: 2, keeping: 1).problem == nil)
        let wrong: [ContextPolicy] = [
            .window(tokens: 100, keeping: 100), .window(turns: 1, keeping: 1), .window(messages: 10, keeping: 0),
            .summarising(beyond: 0, keeping: 0), .droppingToolResults(beyond: 0),
            .droppingToolResults(beyond: 10, keepingNewest: -1), [.everything, .window(tokens: -5, keeping: -6)],
        ]
        #expect(wrong.allSatisfy { $0.problem != nil })
    }
}
