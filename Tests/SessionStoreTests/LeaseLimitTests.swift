// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization
import Testing

@testable import SessionStore

/// How many sessions a process may lease at once.
@Suite(.timeLimit(.minutes(1)))
struct LeaseLimitTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    private func lease(
        _ session: String, in store: SessionStore, waiting: Duration = .zero
    ) throws -> LeasedSession {
        try store.lease(SessionID(session), of: AgentName("agent"), attempt: "a", until: .now.advanced(by: waiting))
    }

    @Test func `one more than the limit is an error that says so, and a release makes room`() throws {
        let store = try SessionStore(root: root.path, maximumLeases: 2)
        let first = try lease("a", in: store)
        let second = try lease("b", in: store)
        let error = errorOf { try lease("c", in: store) }
        #expect(error?.code == .tooManyLeases && error?.isRetryable == true && error?.retryAfter != nil)
        #expect(error?.detail.contains("2 sessions are leased at once") == true)
        try first.release()
        try lease("c", in: store).release()
        try second.release()
    }

    @Test func `a lease that fails gives its place back`() throws {
        let store = try SessionStore(root: root.path, maximumLeases: 1)
        for _ in 1...3 {
            #expect(throws: SessionStoreError.self) {
                _ = try store.leaseExisting(SessionID("none"), of: AgentName("agent"), until: .now)
            }
            let holder = try root.lease("busy")
            #expect(errorOf { try lease("busy", in: store) }?.code == .busy)
            try holder.release()
        }
        try lease("a", in: store).release()
    }

    /// What the threads share.
    private final class Shared: Sendable {
        let order = Mutex<[Int]>([])
    }

    @Test func `those who wait get their places in the order in which they came`() async throws {
        let store = try SessionStore(root: root.path, maximumLeases: 1)
        let shared = Shared()
        let first = try lease("first", in: store)
        var threads: [Task<Void, any Error>] = []
        for number in 1...5 {
            let session = try SessionID("s\(number)")
            threads.append(
                Task {
                    try await onThread {
                        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
                        let leased = try store.lease(session, of: AgentName("agent"), attempt: "a", until: deadline)
                        shared.order.withLock { $0.append(number) }
                        try leased.release()
                    }
                })
            try await waitUntil { store.leasesWaiting == number }
        }
        try first.release()
        for thread in threads { try await thread.value }
        #expect(shared.order.withLock { $0 } == [1, 2, 3, 4, 5])
    }

    @Test func `a limit that makes no sense is one`() throws {
        let store = try SessionStore(root: root.path, maximumLeases: 0)
        try lease("a", in: store).release()
    }
}
