// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SessionStore {
    /// Removes a session with everything that it holds, attachments included. A session that is leased under its names
    /// afterwards is a new one. What it has left in ``SessionID/sharedMemory``, ``SessionID/responseCache`` and forks stays.
    ///
    /// Takes the session's lease, waits for it like ``lease(_:of:attempt:until:)``, and begins with one commit, which is
    /// refused if the lease was lost. A crash in between leaves the whole session, or none. The blocks that the files had
    /// are the file system's, which may keep what was in them: nothing is overwritten.
    ///
    /// Throws ``SessionStoreError``: `noSuchSession`, `busy` when the deadline passes, and what a lease throws. A session that
    /// cannot be opened is left alone.
    public func erase(
        _ session: SessionID,
        of agent: AgentName,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) {
        let lease = try leaseExisting(session, of: agent, attempt: "erase", until: deadline)
        try lease.erase()
        // Now, because a file that is removed while it is open keeps a name in the folder on NFS until it is closed.
        // Somebody may have created the session anew, and the folder of a session with files cannot be removed.
        let folder = folder(of: session, agent)
        try SessionFiles(path: folder + "/s.db").removeFolder(folder)
    }
}

extension LeasedSession {
    /// Removes the files and gives the lease back.
    ///
    /// ```
    ///                                        what the next lease finds after a crash
    /// commit, under the fence                the session
    /// copy the log into the database         the session
    /// empty the log, sync it                 the session: s.db has all of it from here on, and the log nothing
    /// empty and remove s.db-inbox            the session, without messages that had not been read yet
    /// remove s.db-live, if there is one      the same
    /// empty the database                     an empty file beside an empty log: as after a creation that was cut off
    /// remove s.db, then s.db-wal             an empty log, or nothing
    /// ```
    ///
    /// Without the copy there would be a moment with one file without the other: the database alone is the session as it
    /// once was, and the log alone is damage. The database is emptied before it is removed because a file that is open keeps
    /// its bytes: on NFS under another name, for ever if the machine is destroyed before it is closed.
    consuming func erase() throws(SessionStoreError) {
        var failure: SessionStoreError?
        do throws(SessionStoreError) {
            try commit { (_, _) throws(SessionStoreError) in }
            try sqlite(at: "erase") { () throws(SQLiteError) in
                try connection.checkpoint(.truncate)
                try connection.close()
            }
            try files.remove()
        } catch {
            failure = error
            // A connection that is closed already does nothing.
            try? connection.close()
        }
        try files.release()
        if let failure { throw failure }
    }
}

extension LeasedFiles {
    /// Empties the database, whose log is empty, and removes both files. The names are gone before it returns, and the
    /// locks are held until ``release()``.
    func remove() throws(SessionStoreError) {
        guard try logSize() == 0 else {
            throw SessionStoreError(.inputOutput, at: "erase", "the log is not empty after its checkpoint")
        }
        let files = SessionFiles(path: offer.path)
        // First: a new session of that name must not get what was meant for this one.
        try files.removeInbox()
        // What a turn that was interrupted has said; after the database is empty nobody would look for it.
        try files.removeFile("-live")
        try files.emptyDatabase(database)
        // The last two are other programs', and of the rollback journal the pages may be left.
        for suffix in ["", "-wal", "-journal", "-shm"] { try files.removeFile(suffix) }
        try files.sync(String(offer.path.dropLast("/s.db".utf8.count)))
    }
}
