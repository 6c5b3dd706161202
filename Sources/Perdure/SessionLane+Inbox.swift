// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SessionStore

extension SessionLane {
    /// Leaves a message for the holder of the session; false where nobody would look for it.
    func post(
        _ message: InboxMessage, to session: SessionID, of agent: AgentName, in store: SessionStore,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) -> Bool {
        try store.post(message, to: session, of: agent, until: deadline)
    }

    /// Begins to attend to the session's inbox; whether something was left in it for an earlier holder.
    func attendInbox() throws(SessionStoreError) -> Bool {
        guard let hasLeft = try session?.attendInbox() else { throw .released(at: "attend inbox") }
        return hasLeft
    }

    /// What came into the inbox since the last time. What came before is removed if all of it was committed.
    func newMessages(isCommitted: @Sendable () -> Bool) throws(SessionStoreError) -> [InboxMessage] {
        if isCommitted() { try session?.removeTakenMessages() }
        guard try session?.hasNewMessages() == true else { return [] }
        return try session?.takeMessages() ?? []
    }

    /// Whether the session knows the id of a request.
    func knows(_ request: String) throws(SessionStoreError) -> Bool { try session?.request(request) != nil }

    /// Gives the session back; false, and nothing is given back, when there are messages in its inbox.
    func closeUnlessPosted() throws(SessionStoreError) -> Bool {
        guard let session = session.take() else { return true }
        guard let kept = try session.releaseUnlessPosted() else { return true }
        self.session = consume kept
        return false
    }
}
