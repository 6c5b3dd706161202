// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SessionStore

/// Holds one leased session for the length of one turn, on a thread of its own: file access over NFS blocks.
actor SessionLane {
    private let thread = StorageThread()
    var session: LeasedSession?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// What the turn starts from.
    struct Opened: Sendable {
        let identity: String
        /// In milliseconds since 1970.
        let created: Int64
        let entries: [Entry]
        /// Nil when the request is new to the session.
        let request: RequestRecord?
        /// How the newest turn ended that has.
        let lastOutcome: Outcome?
    }

    /// Leases the session and reads it.
    func open(
        _ id: SessionID,
        of agent: AgentName,
        in store: SessionStore,
        request: String,
        creating: Bool,
        until deadline: ContinuousClock.Instant
    ) throws -> Opened {
        let session =
            creating
            ? try store.lease(id, of: agent, attempt: request, until: deadline)
            : try store.leaseExisting(id, of: agent, attempt: request, until: deadline)
        do {
            let stored = try session.storedEntries()
            let opened = Opened(
                identity: session.identity,
                created: session.created,
                entries: stored.map(\.entry),
                request: try session.request(request),
                lastOutcome: stored.last { $0.outcome != nil }?.outcome
            )
            self.session = consume session
            return opened
        } catch {
            // The reason for the failure is worth more than a second one from the release.
            try? session.release()
            throw error
        }
    }

    /// Makes entries durable in one commit, unless the condition does not hold: nothing is written between it and them.
    func append(_ entries: [Entry], outcome: Outcome?, if condition: @Sendable () -> Bool = { true }) throws {
        guard session != nil else { throw SessionStoreError.released(at: "append") }
        guard condition() else { throw InvalidStep.late }
        try session?.append(entries, outcome: outcome)
    }

    /// The whole log.
    func entries() throws(SessionStoreError) -> [Entry] {
        guard session != nil else { throw .released(at: "read log") }
        return try session?.entries() ?? []
    }

    /// Makes sure that all that was read is on the disk.
    func confirm() throws(SessionStoreError) {
        guard session != nil else { throw .released(at: "confirm") }
        try session?.confirm()
    }

    /// Gives the session back; does nothing the second time.
    func close() throws(SessionStoreError) {
        if let session = session.take() { try session.release() }
    }
}
