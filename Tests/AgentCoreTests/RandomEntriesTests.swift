// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// Logs that no loop has written.
@Suite(.timeLimit(.minutes(2)))
struct RandomEntriesTests {
    @Test(arguments: (1...40) as ClosedRange<UInt64>)
    func `entries in any order are refused without a trace, or make a conversation that providers take`(
        _ seed: UInt64
    ) throws {
        var chaos = Chaos(seed: seed)
        var history = History()
        var taken = 0
        for _ in 0..<100 {
            let entry = chaos.anyEntry(after: history)
            let before = "\(history)"
            do throws(LoopError) {
                try history.apply(entry)
                taken += 1
            } catch {
                #expect(error.code == .brokenLog)
                // Both texts together would be pages.
                let isUntouched = "\(history)" == before
                #expect(isUntouched, "\(entry)")
            }
            #expect(illegality(of: history.messages) == nil, "after \(entry)")
        }
        // Otherwise this would say nothing.
        #expect(taken > 4)
    }
}

extension Chaos {
    fileprivate mutating func anyEntry(after history: History) -> Entry {
        request += 1
        let open = history.calls.map(\.position).randomElement(using: &random)
        let position = open ?? CallPosition(reply: history.replies, index: Int.random(in: 0...1, using: &random))
        let fact: Entry.Fact
        switch Int.random(in: 0..<12, using: &random) {
        case 0: fact = .input(request: "\(request)", text: "text")
        case 1, 2: fact = .reply(anyReply())
        case 3:
            let effect = [ToolEffect.pure, .idempotent, .once].randomElement(using: &random) ?? .once
            fact = .claim(position, tool: "pay", effect: effect, attempt: Int.random(in: 1...2, using: &random))
        case 4: fact = .approvalRequest(position, reason: "costly")
        case 5: fact = .decision(request: "\(request)", Verdict(position: position, isApproved: true))
        case 6: fact = .refusal(reason: "too long")
        case 7: fact = .step(position, name: "\(Int.random(in: 0...3, using: &random))", value: 1)
        case 8: fact = .checkpoint(label: "\(request)")
        case 9: fact = .rewind(toTurn: Int.random(in: -1...history.turn + 1, using: &random))
        default: fact = .result(position, ToolResult(status: .succeeded, content: "done"))
        }
        return Entry(turn: history.turn + Int.random(in: 0...1, using: &random), fact: fact)
    }
}
