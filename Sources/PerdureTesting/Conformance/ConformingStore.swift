// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import Perdure

/// A store of sessions, as ``ConformanceSuite`` sees it. To be written around a store, in its tests.
public protocol ConformingStore: Sendable {
    /// Leases a session; a second lease waits until its deadline.
    ///
    /// Throws what ``code(of:)`` tells as `busy` when the deadline passes, `invalidName`, and `noSuchSession`.
    /// - Parameters:
    ///   - attempt: The id of the invocation that asks.
    ///   - creating: Whether a session is created where there is none.
    func lease(
        _ session: String,
        of agent: String,
        attempt: String,
        creating: Bool,
        until deadline: ContinuousClock.Instant
    ) async throws -> any ConformingLease

    /// Removes a session with everything in it, under its lease.
    ///
    /// Throws what ``code(of:)`` tells as `busy` when the deadline passes, and `noSuchSession`.
    func erase(_ session: String, of agent: String, until deadline: ContinuousClock.Instant) async throws

    /// What an error of this store means; nil for what has no code.
    func code(of error: any Error) -> SessionStoreError.Code?
}

extension ConformingStore {
    /// The code of a `SessionStoreError`.
    public func code(of error: any Error) -> SessionStoreError.Code? { (error as? SessionStoreError)?.code }
}

/// A leased session.
public protocol ConformingLease: Sendable {
    /// Random, made when the session was created, never changed.
    var identity: String { get async throws }

    /// A page of the log: the entries behind the one of that sequence number, 0 for the beginning.
    func entries(after sequence: Int, limit: Int) async throws -> [(sequence: Int, entry: Entry)]

    /// The newest entries, oldest first.
    func tail(_ count: Int) async throws -> [(sequence: Int, entry: Entry)]

    /// What is known of a request id; nil when the session has not seen it.
    func request(_ id: String) async throws -> (turn: Int, outcome: Outcome?)?

    /// Makes entries durable, all of them or none.
    ///
    /// Throws what ``ConformingStore/code(of:)`` tells as `fenced`, `alreadyClaimed`, `duplicateRequest`, `emptyCommit` or
    /// `released`. The lease may be of no use afterwards.
    func append(_ entries: [Entry], outcome: Outcome?) async throws

    /// Lets another lease commit to the session behind this one's back, without entries, as if this one had been lost without
    /// notice. False for a store where that cannot be brought about: then fencing is not checked.
    func loseToAnother() async throws -> Bool

    /// Gives the session back.
    func release() async throws
}
