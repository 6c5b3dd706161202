// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import Synchronization

extension ConformanceSuite {
    static let leases = [
        ConformanceCheck("a session that was never created is not there") { trial in
            try await trial.expect(.noSuchSession, for: "a lease of a session that was never created") {
                try await trial.lease(creating: false).release()
            }
            try await trial.lease().release()
            try await trial.lease(creating: false).release()
        },
        ConformanceCheck("a session keeps its identity, and no other has it") { trial in
            var identities: [String] = []
            for session in ["a", "a", "b"] {
                let lease = try await trial.lease(session)
                identities.append(try await lease.identity)
                try await lease.append(turn(identities.count))
                try await lease.release()
            }
            try trial.expect(identities[0] == identities[1], "the identity changed with the lease")
            try trial.expect(identities[0] != identities[2], "two sessions have one identity")
        },
        ConformanceCheck("a leased session is busy") { trial in
            let lease = try await trial.lease()
            for creating in [true, false] {
                let start = ContinuousClock.now
                try await trial.expect(.busy, for: "a second lease") {
                    try await trial.lease(creating: creating, waiting: .milliseconds(300)).release()
                }
                // Generous, for a store that is far away.
                try trial.expect(.now - start < .seconds(20), "the deadline passed long before the answer")
            }
            try await trial.lease("another").release()
            try await lease.append(turn(1))
            try await lease.release()
            try trial.expect(try await trial.log() == turn(1), "what the holder wrote is not there")
        },
        ConformanceCheck("a lease is waited for until its deadline") { trial in
            let lease = try await trial.lease()
            let holders = Holders()
            async let waiting: Void = {
                holders.ask()
                try await trial.lease(waiting: .seconds(60)).release()
            }()
            await holders.letOthersAsk(1)
            try await lease.append(turn(1))
            try await lease.release()
            try await waiting
        },
        ConformanceCheck("two leases never hold one session at once") { trial in
            let holders = Holders()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for contender in 0..<4 {
                    group.addTask {
                        for round in 0..<5 {
                            holders.ask()
                            let lease = try await trial.lease(waiting: .seconds(120))
                            try trial.expect(holders.enter() == 1, "a second holder")
                            await holders.letOthersAsk(4)
                            let last = try await lease.tail(1).first?.entry.turn ?? 0
                            try await lease.append(turn(last + 1, request: "\(contender)/\(round)"))
                            try trial.expect(holders.leave() == 0, "a second holder")
                            try await lease.release()
                        }
                    }
                }
                try await group.waitForAll()
            }
            let turns = try await trial.log().map(\.turn)
            try trial.expect(turns == (1...20).flatMap { [$0, $0] }, "turns are lost, doubled or mixed up")
        },
        ConformanceCheck("a released lease is refused") { trial in
            let lease = try await trial.lease()
            try await lease.append(turn(1))
            try await lease.release()
            try await trial.expect(.released, for: "an append after the release") { try await lease.append(turn(2)) }
            try await trial.expect(.released, for: "a read after the release") { _ = try await lease.log() }
            try trial.expect(try await trial.log() == turn(1), "what was refused is there")
        },
        ConformanceCheck("a lease that was lost is fenced, and nothing of its commit stays") { trial in
            let lease = try await trial.lease()
            try await lease.append(turn(1))
            guard try await lease.loseToAnother() else { return }
            try await trial.expect(.fenced, for: "a commit of a lease that was lost") {
                try await lease.append(turn(2))
            }
            await attempt { try await lease.release() }
            try trial.expect(try await trial.log() == turn(1), "what was fenced is there")
            try await trial.append(turn(2))
        },
    ]

    private final class Holders: Sendable {
        private let count = Mutex(0)
        private let asked = Mutex(0)

        func ask() { asked.withLock { $0 += 1 } }

        /// Waits until so many have asked, and have had time to get a wrong answer.
        func letOthersAsk(_ count: Int) async {
            while asked.withLock({ $0 }) < count { await Task.yield() }
            for _ in 0..<100 { await Task.yield() }
        }

        func enter() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }

        func leave() -> Int {
            count.withLock {
                $0 -= 1
                return $0
            }
        }
    }
}
