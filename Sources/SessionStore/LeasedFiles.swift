// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

/// The two files of a session, locked against every other process and every other part of this one.
///
/// Both inodes are locked because NFS fences by inode: when this sandbox is frozen for longer than the server's lease,
/// and another one takes the locks, it is the lock on the *written* inode that makes the server refuse late writes. A
/// lock beside the data fences nothing.
struct LeasedFiles: ~Copyable {
    /// The path of the database.
    let path: String
    private let folder: FolderClaim
    private let claim: InodeClaim
    private let database: OpenFile
    private let log: OpenFile
    private let databaseLock: FileLock
    private let logLock: FileLock

    /// SQLite's own lock bytes, PENDING to SHARED ("pending_byte" at 1 GiB, 512 bytes): other programs that use SQLite
    /// are kept out too.
    private static let databaseBytes: Range<Int64> = 0x4000_0000..<0x4000_0200
    /// One byte that no write-ahead log ever reaches.
    private static let logBytes: Range<Int64> = (1 << 40)..<(1 << 40 + 1)

    /// Locks both files, creating what is missing.
    ///
    /// Throws ``SessionStoreError/Code/busy`` at once when somebody else holds one of them. Returns nil when a file was
    /// created, replaced or made a database meanwhile: try again.
    static func acquire(in folder: String) throws(SessionStoreError) -> LeasedFiles? {
        let path = folder + "/s.db"
        guard let folderClaim = FolderClaim(folder) else { throw .busy }
        let database = try locking { () throws(FileLockError) in try OpenFile(path: path) }
        let claim = try locking { () throws(FileLockError) in try InodeClaim(database) }
        let databaseLock = try lock(database, databaseBytes)
        guard try isInPlace(database) else { return nil }
        if try locking({ () throws(FileLockError) in try database.size() }) == 0 {
            try refuseLostDatabase(path)
            // SQLite closes its descriptor in there, and thereby drops the lock.
            try prepare(path, in: folder)
            return nil
        }
        let log = try locking { () throws(FileLockError) in try OpenFile(path: path + "-wal") }
        let logLock = try lock(log, logBytes)
        guard try isInPlace(log) else { return nil }
        return LeasedFiles(
            path: path,
            folder: folderClaim,
            claim: claim,
            database: database,
            log: log,
            databaseLock: databaseLock,
            logLock: logLock
        )
    }

    private static func lock(
        _ file: borrowing OpenFile,
        _ bytes: Range<Int64>
    ) throws(SessionStoreError) -> FileLock {
        do {
            return try FileLock.acquire(on: file, bytes: bytes, namesHolder: false)
        } catch {
            throw SessionStoreError(error)
        }
    }

    private static func isInPlace(_ file: borrowing OpenFile) throws(SessionStoreError) -> Bool {
        do { return try file.pathStillNamesThisFile() } catch { throw SessionStoreError(error) }
    }

    /// A log with a header beside an empty database is no leftover of a creation: the database was lost. Preparing a new
    /// one would delete the log.
    private static func refuseLostDatabase(_ path: String) throws(SessionStoreError) {
        let header = try locking { () throws(FileLockError) in
            let log = try OpenFile(path: path + "-wal")
            return try log.read(count: 4, at: 0)
        }
        // The two magic numbers of "WAL File Format" in SQLite's manual, which tell the order of bytes in checksums.
        guard header == [0x37, 0x7F, 0x06, 0x82] || header == [0x37, 0x7F, 0x06, 0x83] else { return }
        throw SessionStoreError(
            .damaged,
            at: "lease",
            "s.db is empty and s.db-wal is not: a session is both files; restore them together from a backup"
        )
    }

    /// Makes an empty file a database in WAL mode, before there is a log to lock: SQLite deletes the log of a database
    /// without pages.
    private static func prepare(_ path: String, in folder: String) throws(SessionStoreError) {
        let connection = try sqlite(at: "create") { () throws(SQLiteError) in
            let connection = try Connection(path: path, vfs: "unix-none", mode: .readWrite)
            try connection.setCheckpointOnClose(false)
            try connection.execute(Schema.connectionSettings)
            return connection
        }
        try Schema.useLog(connection)
        try sqlite(at: "create") { () throws(SQLiteError) in try connection.close() }
        if let failure = syncFolder(folder) { throw .system(failure, at: "create") }
    }

    /// Whether both paths still lead to the files that are locked.
    func areInPlace() throws(SessionStoreError) -> Bool {
        guard try Self.isInPlace(database) else { return false }
        return try Self.isInPlace(log)
    }

    /// The size of the write-ahead log in bytes.
    func logSize() throws(SessionStoreError) -> Int64 {
        do { return try log.size() } catch { throw SessionStoreError(error) }
    }

    /// Unlocks and closes, in the reverse order. The database connection has to be closed before.
    consuming func release() throws(SessionStoreError) {
        do {
            try logLock.release()
            try databaseLock.release()
            try log.close()
            try database.close()
            try claim.release()
        } catch {
            throw SessionStoreError(error)
        }
    }
}
