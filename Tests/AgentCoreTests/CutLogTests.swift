// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// A log that ends anywhere: what a crash leaves, and what a checkpoint or a fork is made of.
@Suite(.timeLimit(.minutes(2)))
struct CutLogTests {
    @Test(arguments: (1...48) as ClosedRange<UInt64>)
    func `a log that is cut anywhere goes on to an end, and nothing is done a second time`(_ seed: UInt64) throws {
        var chaos = Chaos(seed: seed)
        for _ in 0..<Int.random(in: 1...60, using: &chaos.random) {
            switch Int.random(in: 0..<10, using: &chaos.random) {
            case 0: try chaos.die()
            case 1: try chaos.goBack()
            case 2: chaos.endStep()
            case 3: try chaos.send(chaos.anyEvent())
            default: try chaos.send(chaos.sensibleEvent() ?? chaos.anyEvent())
            }
        }
        for length in 0...chaos.log.count {
            var cut = try chaos.cut(to: length)
            #expect(illegality(of: cut.history.messages) == nil, "cut to \(length) entries")
            try cut.goOnToTheEnd()
            // And the next turn is one like any other.
            try cut.send(.input(request: "next", text: "go on"))
            #expect(cut.refusals == 0, "cut to \(length) entries, no message is taken")
            try cut.goOnToTheEnd()
        }
    }

    @Test func `the rules refuse what they have to`() {
        let call = ToolCall(id: "1", name: "read", arguments: "{}")
        let calls = Message.assistant(ModelReply(text: "", toolCalls: [call]))
        let says = Message.assistant(ModelReply(text: "hi"))
        let result = Message.tool(call: call, content: "done")
        func refuses(_ messages: [Message]) -> Bool {
            refusal(of: ModelRequest(instructions: "", messages: messages)) != nil
        }
        #expect(!refuses([.user("hi"), calls, result]))
        #expect(!refuses([.user("hi"), says, .user("and")]))
        for wrong: [Message] in [
            [], [says], [.user("hi"), says], [says, .user("hi")], [.user("hi"), calls], [.user("hi"), result],
            [.user("hi"), calls, .user("and")], [.user("hi"), calls, result, result],
            [.user("hi"), calls, .user("and"), result], [.user("hi"), says, says, .user("and")],
        ] {
            #expect(refuses(wrong), "\(wrong)")
        }
    }
}

extension Chaos {
    /// The conversation goes back to one of the turns that it can go back to. Nothing is under way then.
    fileprivate mutating func goBack() throws {
        try die()
        let targets = (0...history.turn).filter(history.canRewind)
        guard let target = targets.randomElement(using: &random) else { return }
        let entry = Entry(turn: history.turn + 1, fact: .rewind(toTurn: target))
        try loop.replay(entry)
        log.append(entry)
    }

    /// A part of a running call ends. The loop hears of it when it reads the log.
    fileprivate mutating func endStep() {
        guard let position = running.min(by: { "\($0)" < "\($1)" }) else { return }
        request += 1
        log.append(Entry(turn: history.turn, fact: .step(position, name: "\(request)", value: .init(request))))
    }

    /// Another process that has the first entries, in a world in which every call that they claim has run.
    fileprivate func cut(to length: Int) throws -> Chaos {
        var cut = self
        cut.log = Array(log.prefix(length))
        cut.runs = [:]
        cut.refusals = 0
        for case .claim(let position, _, _, _) in cut.log.map(\.fact) {
            let run = try #require(runs[position]?.first)
            cut.runs[position, default: []].append(run)
        }
        try cut.die()
        return cut
    }
}
