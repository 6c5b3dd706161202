// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RandomEventsTests {
    /// A failure tells its seed, and the same seed fails again.
    @Test(arguments: (1...320) as ClosedRange<UInt64>)
    func `whatever is sent, no effect happens twice and an end is reached`(_ seed: UInt64) throws {
        var chaos = Chaos(seed: seed)
        for _ in 0..<Int.random(in: 1...80, using: &chaos.random) {
            switch Int.random(in: 0..<8, using: &chaos.random) {
            case 0:
                try chaos.die()
            case 1, 2, 3:
                if let event = chaos.sensibleEvent() { try chaos.send(event) }
            default:
                try chaos.send(chaos.anyEvent())
            }
        }
        try chaos.goOnToTheEnd()
        try checkPrefixes(of: chaos)
    }

    /// Any prefix of a log is a history that a provider accepts, and goes on from there.
    private func checkPrefixes(of chaos: Chaos) throws {
        var history = History()
        for (index, entry) in chaos.log.enumerated() {
            try history.apply(entry)
            #expect(illegality(of: history.messages) == nil, "after entry \(index)")
            let read = try Entry(turn: entry.turn, kind: entry.kind, position: entry.position, body: entry.body)
            #expect(read == entry)
        }
        #expect(history.messages == chaos.history.messages)
        #expect(history.calls == chaos.history.calls)
        #expect(history.phase == chaos.history.phase)
        #expect(history.pause == chaos.history.pause)
        #expect(history.spent == chaos.history.spent)
        #expect(history.spentInTurn == chaos.history.spentInTurn)
        #expect(history.interruptions == chaos.history.interruptions)
    }
}
