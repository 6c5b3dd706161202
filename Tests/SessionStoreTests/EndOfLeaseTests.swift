// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Synchronization
import Testing

@testable import SessionStore

/// A `close` of a file drops this process's locks on it, whoever holds them. So each end of a lease has to close before
/// it lets the next lease in.
///
/// ```
/// one thread:      lease ─ close ─ unlock            lease ─ unlock ─────────── close
/// the other one:   (spins) ─────────── lease         (spins) ─────── lease ─────── its locks are gone
/// ```
@Suite(.timeLimit(.minutes(2)), .serialized, .enabled(if: ProcessState.isReadable))
struct EndOfLeaseTests {
    @Test func `a release does not unlock the next lease`() async throws {
        let root = try TemporaryRoot()
        try root.fill()
        try await hammer(root.store) { try $0.release() }
    }

    @Test func `a drop does not unlock the next lease`() async throws {
        let root = try TemporaryRoot()
        try root.fill()
        try await hammer(root.store) { _ = $0 }
    }

    @Test func `a lease that fails to open does not unlock the next lease`() async throws {
        let root = try TemporaryRoot()
        try root.fill()
        let wrong = SessionNames(agent: "agent", session: "another")
        try await hammer(root.store, as: wrong) { _ in Issue.record("the wrong session was leased") }
    }

    @Test(.enabled("this process may not mount") { Mount.isPermitted })
    func `a release whose checkpoint fails does not unlock the next lease`() async throws {
        let mount = try Mount(size: "12m")
        let store = try SessionStore(root: mount.path)
        try fillLog(store.lease(SessionID("s"), of: AgentName("agent"), attempt: "", until: .now))
        try mount.fill(leaving: 100_000)
        try await hammer(store) { leased in
            do throws(SessionStoreError) {
                try leased.release()
                Issue.record("there was room")
            } catch {
                #expect(error.code == .full)
            }
        }
    }

    private func fillLog(_ leased: consuming LeasedSession) throws {
        var number = 0
        while try leased.logSize() <= LeasedSession.checkpointThreshold {
            number += 1
            try leased.append(turn(number, text: String(repeating: "x", count: 300_000)))
        }
    }

    /// Ends leases in one way on one thread, while another one spins for the next lease and looks at its locks.
    private func hammer(
        _ store: SessionStore,
        as names: SessionNames = SessionNames(agent: "agent", session: "s"),
        _ end: @escaping @Sendable (consuming LeasedSession) throws -> Void
    ) async throws {
        let folder = try store.folder(of: SessionID("s"), AgentName("agent"))
        let state = Watch()
        async let watching: Void = onThread {
            let right = SessionNames(agent: "agent", session: "s")
            while !state.isOver.load(ordering: .relaxed) {
                guard let leased = try leaseNow(store, folder, right) else { continue }
                for _ in 0..<3 {
                    let held =
                        try ProcessState.locks(on: folder + "/s.db") + ProcessState.locks(on: folder + "/s.db-wal")
                    if held.count != 2 { state.lost.add(1, ordering: .relaxed) }
                }
                state.checked.add(1, ordering: .relaxed)
                // Fails where checkpoints do.
                try? leased.release()
            }
        }
        try await onThread {
            defer { state.isOver.store(true, ordering: .relaxed) }
            let limit = ContinuousClock.now.advanced(by: .seconds(20))
            while state.checked.load(ordering: .relaxed) < 100, .now < limit {
                let seen = state.checked.load(ordering: .relaxed)
                do {
                    guard let leased = try leaseNow(store, folder, names) else { continue }
                    try end(leased)
                } catch let error as SessionStoreError where error.code == .foreignFile {
                    // As intended.
                }
                // The other one's turn.
                let turn = ContinuousClock.now.advanced(by: .milliseconds(3))
                while state.checked.load(ordering: .relaxed) == seen, .now < turn {}
            }
        }
        try await watching
        #expect(state.checked.load(ordering: .relaxed) >= 100)
        #expect(state.lost.load(ordering: .relaxed) == 0)
    }
}

/// What the watching thread saw.
private final class Watch: Sendable {
    let isOver = Atomic(false)
    let checked = Atomic(0)
    let lost = Atomic(0)
}

/// A lease, or nil at once when the session is busy.
private func leaseNow(_ store: SessionStore, _ folder: String, _ names: SessionNames) throws -> LeasedSession? {
    do {
        return try store.lease(folder, as: names, creating: false, attempt: "", until: .now)
    } catch  where error.code == .busy {
        return nil
    }
}
