// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the holder of a lease knows of the session's inbox. One thread uses it.
final class AttendedInbox {
    let attendance: InboxAttendance
    /// What the holder was given and has not removed: the beginning of the file.
    var taken: [UInt8] = []
    /// Whether all of that is in the log.
    var isSettled = true

    init(_ attendance: InboxAttendance) { self.attendance = attendance }

    /// Nobody holds the inbox's lock for longer than a message takes to be written, but for one who is frozen.
    static let patience = Duration.seconds(5)

    func lock() throws(SessionStoreError) -> InboxLock {
        let deadline = ContinuousClock.now.advanced(by: Self.patience)
        // More often than those who post, and so before them.
        guard let lock = try attendance.file.lock(until: deadline, polling: 1...8) else { throw .replaced }
        return lock
    }

    /// Whether the file begins with what was taken. It does, unless somebody else has emptied it: the holder of a later lease.
    private func isContinued(in bytes: [UInt8]) -> Bool { bytes.starts(with: taken) }

    /// What came in since it was last looked at. Removes what a crash has left behind it.
    func takeNew() throws(SessionStoreError) -> [InboxMessage] {
        let lock = try lock()
        let bytes = try lock.read()
        let start = isContinued(in: bytes) ? taken.count : 0
        let contents = InboxContents(Array(bytes[start...]))
        let end = start + contents.end
        if end < bytes.count { try lock.truncate(to: end) }
        try lock.release()
        taken = Array(bytes[..<end])
        let messages = contents.messages
        if !messages.isEmpty { isSettled = false }
        return messages
    }

    /// Removes what was taken, unless more came in.
    func removeTaken() throws(SessionStoreError) {
        isSettled = true
        if taken.isEmpty { return }
        let lock = try lock()
        // Bytes that are the same are the same messages, whoever has removed and written meanwhile.
        if try lock.read() == taken {
            try lock.truncate(to: 0)
            taken = []
        }
        try lock.release()
    }

    /// Whether there is a message that is not in the log; removes those that are, if there is none. For whoever has the lock.
    func isEmpty(under lock: InboxLock) throws(SessionStoreError) -> Bool {
        let bytes = try lock.read()
        let start = isSettled && isContinued(in: bytes) ? taken.count : 0
        guard InboxContents(Array(bytes[start...])).count == 0 else { return false }
        if !bytes.isEmpty { try lock.truncate(to: 0) }
        return true
    }
}

extension LeasedSession {
    /// Begins to attend to the session's inbox: from now on others can leave messages in it
    /// (``SessionStore/SessionStore/post(_:to:of:until:)``), and the holder of the lease looks for them between steps, with
    /// ``hasNewMessages()``, and at the end, with ``releaseUnlessPosted()``.
    ///
    /// Creates the inbox where there is none. Over NFS one OPEN, one LOCK and two GETATTRs, and the LOCKU and the CLOSE when the
    /// lease ends. Does nothing the second time. Throws ``SessionStoreError``: `busy` when somebody else, whose lease
    /// was lost, attends to it for five seconds more, `full`, `readOnly` and `inputOutput`.
    /// - Returns: Whether there were messages before: left for an earlier lease, which ended without having seen them.
    @discardableResult
    public mutating func attendInbox() throws(SessionStoreError) -> Bool {
        guard !isDead else { throw .released(at: "attend inbox") }
        if inbox != nil { return false }
        for _ in 0..<8 {
            guard let file = try InboxFile.open(in: files.folder.path) else { break }
            // What comes in from the next line on is for this lease.
            let hasLeft = try file.size() > 0
            guard let attendance = try file.attend(until: .now.advanced(by: AttendedInbox.patience)) else { continue }
            inbox = AttendedInbox(attendance)
            return hasLeft
        }
        throw SessionStoreError.replaced
    }

    /// Whether something is in the inbox that ``takeMessages()`` has not returned: one GETATTR over NFS. False where it is not
    /// attended to.
    public func hasNewMessages() throws(SessionStoreError) -> Bool {
        guard let inbox else { return false }
        return try inbox.attendance.file.size() != Int64(inbox.taken.count)
    }

    /// What came into the inbox since the last call, oldest first. Messages whose id the session knows as a request's are left
    /// out: they were committed before, and their removal was cut off.
    ///
    /// They stay in the file until ``removeTakenMessages()``, to be called when they are in the log. Over NFS a LOCK, a GETATTR,
    /// READs and a LOCKU. Waits for others who use the inbox, for five seconds at most, and throws
    /// ``SessionStoreError/Code/busy`` after that.
    public mutating func takeMessages() throws(SessionStoreError) -> [InboxMessage] {
        guard let inbox else { return [] }
        let wasSettled = inbox.isSettled
        var new: [InboxMessage] = []
        for message in try inbox.takeNew() {
            // By bytes, as the requests are told apart: two spellings of one character are two ids.
            let isTwice = new.contains { $0.id.utf8.elementsEqual(message.id.utf8) }
            if !isTwice, try request(message.id) == nil { new.append(message) }
        }
        if wasSettled, new.isEmpty { inbox.isSettled = true }
        return new
    }

    /// Removes the messages that were taken from the inbox, unless others came in meanwhile: then they go with those. To be
    /// called after the commit that has them; before it, a crash would lose them.
    ///
    /// Over NFS a LOCK, a GETATTR, READs, a SETATTR and a LOCKU. Throws as ``takeMessages()``; nothing is lost or done twice
    /// then.
    public mutating func removeTakenMessages() throws(SessionStoreError) { try inbox?.removeTaken() }

    /// Gives the session back, unless there is a message that is not in the log: then the lease goes on.
    ///
    /// The inbox is locked meanwhile, so that no message is left between the last look and the end of the lease. A plain
    /// ``release()`` leaves messages that are there to the next lease.
    ///
    /// Over NFS a LOCK, a GETATTR, and a LOCKU more than ``release()``. Throws as that, and also when the inbox could not be
    /// locked or read; the session is given back then all the same.
    /// - Returns: The lease, if there is a message.
    public consuming func releaseUnlessPosted() throws(SessionStoreError) -> LeasedSession? {
        guard let inbox else {
            try release()
            return nil
        }
        let lock: InboxLock
        let isEmpty: Bool
        do throws(SessionStoreError) {
            lock = try inbox.lock()
            isEmpty = try inbox.isEmpty(under: lock)
        } catch {
            try? release()
            throw error
        }
        guard isEmpty else {
            try? lock.release()
            return self
        }
        try release()
        try lock.release()
        return nil
    }
}
