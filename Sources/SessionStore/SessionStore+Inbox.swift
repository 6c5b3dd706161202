// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension SessionStore {
    /// Leaves a message for the one who holds the session, if he attends to its inbox.
    ///
    /// When it returns true, the message is durable, and the holder looks into the inbox before his lease ends. Should he be
    /// killed before that, it waits for the next one who attends. When it returns false, nothing is left behind: nobody holds the
    /// session, or nobody who would look. The caller leases the session then, or tries again.
    ///
    /// ```
    /// poster                                     holder of the lease
    /// is the inbox attended to? ─ no: false      attend
    /// lock the inbox                             is there something new?      between steps
    /// append, sync                               lock, read, unlock ─ commit to the log ─ lock, empty, unlock
    /// still attended to? ─ no: withdraw, false   lock the inbox ─ nothing new? ─ end of the lease ─ unlock
    /// unlock, true
    /// ```
    ///
    /// A message with the id of one that is in the inbox already is the same message, and is not added again.
    ///
    /// Costs over NFS: one OPEN and one LOCKT where nobody attends; where somebody does, also a LOCK, two GETATTRs, a LOCKT, a
    /// WRITE and a LOCKU, and a READ if the inbox is not empty.
    ///
    /// Throws ``SessionStoreError``: `inboxFull`, `tooLarge`, `duplicateRequest` when another message of that id is in the
    /// inbox, `busy` when the inbox is locked until the deadline, `full`, `readOnly`, and `inputOutput`, after which the message
    /// may be there all the same.
    /// - Parameter deadline: How long to wait for others who read or write the inbox, which takes them milliseconds.
    /// - Returns: Whether the message was left.
    public func post(
        _ message: InboxMessage,
        to session: SessionID,
        of agent: AgentName,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) -> Bool {
        let record = try message.record()
        let folder = folder(of: session, agent)
        for _ in 0..<8 {
            guard let file = try InboxFile.open(in: folder), try file.isAttended() else { return false }
            // The session may have been erased and created anew meanwhile.
            guard let lock = try file.lock(until: deadline) else { continue }
            let isPosted = try lock.post(message, as: record) { () throws(SessionStoreError) in
                try SessionFiles(path: folder + "/s.db").sync(folder)
            }
            try lock.release()
            return isPosted
        }
        throw SessionStoreError.replaced
    }
}

extension InboxLock {
    /// - Parameter syncName: Makes the name of the file durable.
    fileprivate func post(
        _ message: InboxMessage, as record: [UInt8], syncName: () throws(SessionStoreError) -> Void
    ) throws(SessionStoreError) -> Bool {
        let bytes = try read()
        let contents = InboxContents(bytes)
        if let known = contents.message(message.id) {
            guard known.body == message.body else { throw .otherMessage }
            // Whoever wrote it may have been killed before the sync.
            try sync()
            return try isAttended()
        }
        guard contents.count < InboxMessage.maximumCount,
            contents.end == 0 || contents.end + record.count <= InboxMessage.maximumInboxSize
        else { throw .inboxFull(contents.count) }
        if contents.end < bytes.count { try truncate(to: contents.end) }
        if contents.end == 0 { try syncName() }
        do throws(SessionStoreError) {
            try write(record, at: contents.end)
            try sync()
        } catch {
            // It was not acknowledged. If this fails as well, it may be read.
            try? truncate(to: contents.end)
            throw error
        }
        if try isAttended() { return true }
        // The holder was killed, or had to go. Nobody has read it, as that takes the lock.
        try truncate(to: contents.end)
        return false
    }
}

extension SessionStoreError {
    fileprivate static let otherMessage = SessionStoreError(
        .duplicateRequest, at: "post", "the request id is in the session's inbox already, with other contents")

    fileprivate static func inboxFull(_ count: Int) -> SessionStoreError {
        SessionStoreError(
            .inboxFull,
            at: "post",
            "\(count) messages wait in the session's inbox, and there is no room for this one",
            isRetryable: true,
            retryAfter: suggestedWait
        )
    }
}
