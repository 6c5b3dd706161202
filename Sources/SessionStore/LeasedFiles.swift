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
    let folder: FolderClaim
    let claim: InodeClaim
    let database: OpenFile
    let log: OpenFile
    let databaseLock: FileLock
    let logLock: FileLock

    /// SQLite's own lock bytes, PENDING to SHARED ("pending_byte" at 1 GiB, 512 bytes): other programs that use SQLite
    /// are kept out too.
    static let databaseBytes: Range<Int64> = 0x4000_0000..<0x4000_0200
    /// One byte that no write-ahead log ever reaches.
    static let logBytes: Range<Int64> = (1 << 40)..<(1 << 40 + 1)

    /// Locks both files, creating what is missing.
    ///
    /// Throws ``SessionStoreError/Code/busy`` at once when somebody else holds one of them. Returns nil when a file was
    /// replaced, or rolled back to what it was before somebody's crash: try again.
    static func acquire(
        in folder: String, by folderClaim: consuming FolderClaim
    ) throws(SessionStoreError) -> LeasedFiles? {
        let path = folder + "/s.db"
        let files = SessionFiles(path: path)
        let database = try files.open(path, as: .databaseOpen)
        let claim = try locking { () throws(FileLockError) in try InodeClaim(database) }
        let databaseLock = try files.lock(database, databaseBytes, as: .lockDatabase)
        guard try files.areInPlace(database) else { return nil }
        try files.prefetch(database, as: .databaseSize)
        let log = try files.open(path + "-wal", as: .logOpen)
        let logLock = try files.lock(log, logBytes, as: .lockLog)
        guard try files.areInPlace(log) else { return nil }
        try files.prefetch(log, as: .logSize)
        guard try files.settle(database, log, in: folder) else { return nil }
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

    /// The size of the write-ahead log in bytes.
    func logSize() throws(SessionStoreError) -> Int64 {
        try SessionFiles(path: offer.path).size(of: log, as: .logSize)
    }

    /// The size of the database in bytes.
    func databaseSize() throws(SessionStoreError) -> Int64 {
        try SessionFiles(path: offer.path).size(of: database, as: .databaseSize)
    }

    /// Lets the connection that was suspended go on with the files, which are as it knows them.
    func resume() throws(SessionStoreError) {
        // As in `SessionFiles.settle`.
        database.forgetEarlierFailures()
        log.forgetEarlierFailures()
        try sqlite(at: "open") { () throws(SQLiteError) in try offer.resume() }
    }

    /// Gets the files ready for another connection, as `acquire` does. False when they have to be locked anew.
    func reopen() throws(SessionStoreError) -> Bool {
        let files = SessionFiles(path: offer.path)
        try files.prefetch(database, as: .databaseSize)
        try files.prefetch(log, as: .logSize)
        guard try files.settle(database, log, in: folder.path) else { return false }
        try sqlite(at: "open") { () throws(SQLiteError) in try offer.resume() }
        return true
    }

    /// Unlocks the files and hands them over, open.
    consuming func suspend(_ keep: (consuming IdleFiles) -> Void) throws(SessionStoreError) {
        let files = SessionFiles(path: offer.path)
        offer.suspend()
        try files.unlock(logLock, as: .unlockLog)
        try files.unlock(databaseLock, as: .unlockDatabase)
        do throws(FileLockError) { try claim.release() } catch { throw SessionStoreError(error) }
        keep(IdleFiles(offer: offer, database: database, log: log))
        // Only now may another part of this process look at the folder.
        _ = consume folder
    }

    /// Removes the log, which the next lease begins anew: as another file.
    func removeLog() throws(SessionStoreError) {
        try SessionFiles(path: offer.path).removeLog(in: folder.path)
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
