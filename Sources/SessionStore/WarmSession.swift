// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver
import Synchronization

/// A session that was released, with its files open and its connection as it was: not locked, and not to be trusted
/// before it is locked again and found unchanged.
///
/// ```
/// release:  unlock both files ─ keep
/// lease:    lock both files ─ same inodes? ─ same end of the log? ─ go on, with SQLite's cache
///                                  no: open anew      no: read anew
/// ```
///
/// The end of the log is its size, its header and the header of its last frame. Whoever commits makes the log longer or
/// begins it anew, with other salts in its header. So nothing is kept whose log is empty, and nothing whose log goes on
/// behind its last commit: the next commit would not make it longer then.
///
/// It is used by one thread at a time, which makes `@unchecked Sendable` true: the one that puts it into ``WarmSessions``
/// or that has taken it from there.
final class WarmSession: @unchecked Sendable {
    let meta: SessionMeta
    let connection: Connection
    private let end: LogEnd
    private let databaseSize: Int64
    private var files: IdleFiles?

    init(
        _ files: consuming IdleFiles, connection: Connection, meta: SessionMeta, end: LogEnd, databaseSize: Int64
    ) {
        self.files = consume files
        self.connection = connection
        self.meta = meta
        self.end = end
        self.databaseSize = databaseSize
    }

    /// Locks the files again. Nil when one of them was replaced meanwhile.
    func lock() throws(SessionStoreError) -> IdleFiles.Locks? { try files?.lock() }

    /// The files, once they are locked; nil the second time.
    func leave(with locks: consuming IdleFiles.Locks, by folder: consuming FolderClaim) -> LeasedFiles? {
        files.take()?.leased(with: locks, by: folder)
    }

    /// Whether nobody has written since the release.
    func isUnchanged(in leased: borrowing LeasedFiles) throws(SessionStoreError) -> Bool {
        let files = SessionFiles(path: leased.offer.path)
        guard try leased.databaseSize() == databaseSize else { return false }
        return try files.ends(leased.log, as: end)
    }

    /// Closes everything.
    func close() {
        try? connection.close()
        files.take()?.close()
    }
}

/// The sessions that a store keeps open, up to a limit: the one that was used the longest ago goes first.
final class WarmSessions: Sendable {
    /// How many there may be.
    let limit: Int
    /// In the order of their use.
    private let sessions = Mutex<[(folder: String, session: WarmSession)]>([])

    init(limit: Int) { self.limit = max(0, limit) }

    /// Takes the session out, if it is there. For whoever has the claim on the folder.
    func take(_ folder: String) -> WarmSession? {
        sessions.withLock { sessions in
            guard let index = sessions.firstIndex(where: { $0.folder == folder }) else { return nil }
            return sessions.remove(at: index).session
        }
    }

    /// Puts a session in. For whoever has the claim on the folder.
    /// - Returns: One that has to be closed for it, if there is one.
    func keep(_ session: WarmSession, of folder: String) -> WarmSession? {
        sessions.withLock { sessions in
            sessions.append((folder, session))
            return sessions.count > limit ? sessions.removeFirst().session : nil
        }
    }

    /// Takes all of them out.
    func takeAll() -> [WarmSession] {
        sessions.withLock { sessions in
            defer { sessions = [] }
            return sessions.map(\.session)
        }
    }
}
