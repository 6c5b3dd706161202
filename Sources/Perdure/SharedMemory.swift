// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SessionStore

/// The memory that all sessions of an agent share, leased for one command at a time, on a thread of its own.
///
/// A change and the idempotency key of its call are one commit of the shared file. So when the process ends before the
/// result is in the session's log, the call finds, when it runs again, that it was done.
actor SharedMemory {
    private let store: SessionStore
    private let agent: AgentName
    private let thread = StorageThread()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ store: SessionStore, of agent: AgentName) {
        self.store = store
        self.agent = agent
    }

    /// Does a command, once for each key.
    func perform(
        _ command: MemoryCommand, key: String, until deadline: ContinuousClock.Instant
    ) async throws -> String {
        try await withLease(until: deadline) { session in
            if let answer = try session.answer(toApplied: key) {
                // It may have been read from a page that no sync has put onto the disk yet.
                try session.confirm()
                return answer
            }
            let (answer, isChanged) = try session.perform(command, recording: { _ in [] }, applying: key)
            // No other commit of this lease counts the use.
            if !isChanged, session.hasUnwrittenUses { try session.confirm() }
            return answer
        }
    }

    /// Searches.
    func search(
        _ words: String, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws -> [MemoryMatch] {
        try await withLease(until: deadline) { session in try session.searchMemory(words, limit: limit) }
    }

    /// Tries until nobody else has it. Between the tries the others of this process get theirs, who may have less time.
    private func withLease<Result>(
        until deadline: ContinuousClock.Instant, _ body: (inout LeasedSession) throws -> Result
    ) async throws -> Result {
        while true {
            if var session = try leaseIfFree() {
                let result: Result
                do {
                    result = try body(&session)
                } catch {
                    // The reason for the failure is worth more than a second one from the release.
                    try? session.release()
                    throw error
                }
                // What was to be written is durable; a release that fails is seen by the next lease.
                try? session.release()
                return result
            }
            let wait = Duration.milliseconds(Int64.random(in: 20...250))
            guard .now.advanced(by: wait) < deadline else { throw MemoryRefusal.inUse }
            try await Task.sleep(for: wait)
        }
    }

    private func leaseIfFree() throws(SessionStoreError) -> LeasedSession? {
        do throws(SessionStoreError) {
            return try store.lease(.sharedMemory, of: agent, attempt: "memory", until: .now)
        } catch {
            guard [.busy, .tooManyLeases].contains(error.code) else { throw error }
            return nil
        }
    }
}

extension MemoryRefusal {
    /// An attempt that a crash cut off may have got further than this one.
    fileprivate static let inUse = MemoryRefusal(
        "Error: The memory is in use by other sessions. Try again later, and view it before you change it: an attempt that "
            + "was interrupted may have taken effect.")
}
