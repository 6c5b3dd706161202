// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

/// The two files of a session, locked against every other process and every other part of this one.
///
/// Both inodes are locked because NFS fences by inode: when this sandbox is frozen for longer than the server's lease,
/// and another one takes the locks, it is the lock on the *written* inode that makes the server refuse late writes. A
/// lock beside the data fences nothing.
///
/// SQLite works on the same two descriptors that are locked, so nothing that it does can drop the locks.
struct LeasedFiles: ~Copyable {
    // Declared first, and therefore ended first: no connection touches a file that is unlocked or closed.
    /// The files, for a connection to work on.
    let offer: DatabaseFiles
    private let folder: FolderClaim
    private let claim: InodeClaim
    let database: OpenFile
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
    /// replaced, or rolled back to what it was before somebody's crash: try again.
    static func acquire(in folder: String) throws(SessionStoreError) -> LeasedFiles? {
        let path = folder + "/s.db"
        guard let folderClaim = FolderClaim(folder) else { throw .busy }
        let files = SessionFiles(path: path)
        let database = try files.open(path, as: .databaseOpen)
        let claim = try locking { () throws(FileLockError) in try InodeClaim(database) }
        let databaseLock = try files.lock(database, databaseBytes, as: .lockDatabase)
        guard try isInPlace(database) else { return nil }
        let log = try files.open(path + "-wal", as: .logOpen)
        let logLock = try files.lock(log, logBytes, as: .lockLog)
        guard try isInPlace(log) else { return nil }
        if try files.haveHotJournal() {
            try files.rollBack()
            return nil
        }
        // Those of a lease that was lost are that lease's business. What is read under this one comes from the server.
        database.forgetEarlierFailures()
        log.forgetEarlierFailures()
        try files.clearIfUnwritten(database, log)
        // The log's name is durable before its first byte is, and so a log with bytes in it has a durable name.
        if try files.size(of: log, as: .logSize) == 0 { try files.sync(folder) }
        let offer = try sqlite(at: "open") { () throws(SQLiteError) in
            try DatabaseFiles(path: path, database: database.descriptor, log: log.descriptor)
        }
        return LeasedFiles(
            offer: offer,
            folder: folderClaim,
            claim: claim,
            database: database,
            log: log,
            databaseLock: databaseLock,
            logLock: logLock
        )
    }

    private static func isInPlace(_ file: borrowing OpenFile) throws(SessionStoreError) -> Bool {
        try locking { () throws(FileLockError) in try file.pathStillNamesThisFile() }
    }

    /// The size of the write-ahead log in bytes.
    func logSize() throws(SessionStoreError) -> Int64 {
        try SessionFiles(path: offer.path).size(of: log, as: .logSize)
    }

    /// Removes the log, which the next lease begins anew: as another file.
    func removeLog() throws(SessionStoreError) {
        let path = offer.path
        try SessionFiles(path: path).removeLog(in: String(path.dropLast("/s.db".count)))
    }

    /// Unlocks and closes, in the reverse order.
    consuming func release() throws(SessionStoreError) {
        let files = SessionFiles(path: offer.path)
        offer.withdraw()
        try files.unlock(logLock, as: .unlockLog)
        try files.unlock(databaseLock, as: .unlockDatabase)
        do throws(FileLockError) {
            try log.close()
            try database.close()
            try claim.release()
        } catch {
            throw SessionStoreError(error)
        }
    }
}
