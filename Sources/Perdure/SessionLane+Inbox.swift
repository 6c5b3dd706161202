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

    /// Begins to attend to the session's inbox.
    func attendInbox() throws(SessionStoreError) {
        guard session != nil else { throw .released(at: "attend inbox") }
        try session?.attendInbox()
    }

    /// What came into the inbox since the last time.
    func newMessages() throws(SessionStoreError) -> [InboxMessage] {
        guard try session?.hasNewMessages() == true else { return [] }
        return try session?.takeMessages() ?? []
    }

    /// Removes what was taken from the inbox, after all of it was committed.
    func removeTakenMessages() throws(SessionStoreError) { try session?.removeTakenMessages() }

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
