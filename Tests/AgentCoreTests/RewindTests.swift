// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

@Suite struct RewindTests {
    /// A turn of one message and its answer.
    static func turn(_ number: Int) -> [Entry] {
        [
            Entry(turn: number, fact: .input(request: "\(number)", text: "question \(number)")),
            Entry(turn: number, fact: .reply(ModelReply(text: "answer \(number)"))),
        ]
    }

    static func rewind(_ number: Int, to target: Int) -> Entry { Entry(turn: number, fact: .rewind(toTurn: target)) }

    static func label(_ number: Int, _ label: String) -> Entry { Entry(turn: number, fact: .checkpoint(label: label)) }

    static func fold(_ entries: [Entry]) throws -> History {
        var history = History()
        for entry in entries { try history.apply(entry) }
        return history
    }

    static func texts(_ history: History) -> [String] {
        history.messages.map { message in
            switch message {
            case .user(let text): text
            case .assistant(let reply): reply.text
            case .tool(_, let content): content
            }
        }
    }

    @Test func `the conversation goes on from the end of the turn`() throws {
        let history = try Self.fold(Self.turn(1) + Self.turn(2) + Self.turn(3) + [Self.rewind(4, to: 1)] + Self.turn(5))
        #expect(Self.texts(history) == ["question 1", "answer 1", "question 5", "answer 5"])
        #expect(history.turn == 5)
        // The numbers of replies go on, so that no call has the position, and the key, of one that was taken back.
        #expect(history.replies == 4)
        #expect([0, 1, 4, 5].allSatisfy(history.canRewind))
        #expect(![2, 3, 6, -1].contains(where: history.canRewind))
    }

    @Test func `it can go back to its beginning, and again`() throws {
        let history = try Self.fold(
            Self.turn(1) + [Self.rewind(2, to: 0)] + Self.turn(3) + Self.turn(4) + [Self.rewind(5, to: 3)]
                + Self.turn(6))
        #expect(Self.texts(history) == ["question 3", "answer 3", "question 6", "answer 6"])
    }

    @Test(arguments: HistoryTests.interrupted) func `an open turn can be left`(open: [Entry]) throws {
        var history = try Self.fold(Self.turn(1) + open)
        #expect(!history.canRewind(to: 2))
        #expect(throws: LoopError.self) { try history.apply(Self.rewind(3, to: 2)) }
        try history.apply(Self.rewind(3, to: 1))
        #expect(history.phase == .idle)
        #expect(history.calls.isEmpty)
        for entry in Self.turn(4) { try history.apply(entry) }
        #expect(Self.texts(history) == ["question 1", "answer 1", "question 4", "answer 4"])
    }

    @Test func `a turn that was left in its middle by a decision is no place to go back to`() throws {
        let history = try Self.fold(
            HistoryTests.asked + [HistoryTests.waits, HistoryTests.agreed]
                + [Entry(turn: 2, fact: .result(HistoryTests.first, ToolResult(status: .succeeded, content: "done")))]
                + [Entry(turn: 2, fact: .reply(ModelReply(text: "yes")))])
        #expect(!history.canRewind(to: 1))
        #expect(history.canRewind(to: 2))
    }

    @Test func `a label names the newest turn, until that is taken back`() throws {
        let entries =
            Self.turn(1) + [Self.label(1, "a")] + Self.turn(2) + [Self.label(2, "b"), Self.label(2, "a")] + Self.turn(3)
            + [Self.label(3, "c")]
        #expect(try Self.fold(entries).checkpoints == ["a": 2, "b": 2, "c": 3])
        #expect(try Self.fold(entries + [Self.rewind(4, to: 2)]).checkpoints == ["a": 2, "b": 2])
        #expect(try Self.fold(entries + [Self.rewind(4, to: 0)]).checkpoints == [:])
    }

    @Test(arguments: [
        [rewind(1, to: 1)], turn(1) + [rewind(1, to: 0)], turn(1) + [rewind(2, to: -1)], turn(1) + [rewind(2, to: 2)],
        turn(1) + [rewind(2, to: .max)], turn(1) + turn(2) + [rewind(3, to: 0), rewind(4, to: 1)],
        turn(1) + [label(2, "x")], [turn(1)[0], label(1, "x")],
    ])
    func `what cannot be is refused and changes nothing`(entries: [Entry]) throws {
        var history = try Self.fold(entries.dropLast())
        let before = (Self.texts(history), history.turn, history.checkpoints)
        #expect(throws: LoopError.self) { try history.apply(entries[entries.count - 1]) }
        #expect(Self.texts(history) == before.0)
        #expect(history.turn == before.1)
        #expect(history.checkpoints == before.2)
    }
}

extension HistoryTests {
    /// A second turn that did not end: in each of the ways that it can.
    static let interrupted: [[Entry]] = {
        let input = Entry(turn: 2, fact: .input(request: "2", text: "?"))
        let call = ToolCall(id: "a", name: "t", arguments: "{}")
        let reply = Entry(turn: 2, fact: .reply(ModelReply(text: "", toolCalls: [call])))
        let position = CallPosition(reply: 2, index: 0)
        return [
            [input], [input, reply],
            [input, reply, Entry(turn: 2, fact: .claim(position, tool: "t", effect: .once, attempt: 1))],
            [input, reply, Entry(turn: 2, fact: .approvalRequest(position, reason: "costly"))],
        ]
    }()
}
