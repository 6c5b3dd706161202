// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

/// The two files of a session that is not leased, open and unlocked, with what a connection knows of them.
struct IdleFiles: ~Copyable {
    /// Suspended: its connection refuses everything.
    let offer: DatabaseFiles
    let database: OpenFile
    let log: OpenFile

    /// The locks of a lease.
    struct Locks: ~Copyable {
        let claim: InodeClaim
        let database: FileLock
        let log: FileLock
    }

    /// Locks both files again; nil when one of them was replaced meanwhile.
    func lock() throws(SessionStoreError) -> Locks? {
        let files = SessionFiles(path: offer.path)
        let claim = try locking { () throws(FileLockError) in try InodeClaim(database) }
        let databaseLock = try files.lock(database, LeasedFiles.databaseBytes, as: .lockDatabase)
        guard try files.areInPlace(database) else { return nil }
        let logLock = try files.lock(log, LeasedFiles.logBytes, as: .lockLog)
        guard try files.areInPlace(log) else { return nil }
        return Locks(claim: claim, database: databaseLock, log: logLock)
    }

    /// The files as those of a lease.
    consuming func leased(with locks: consuming Locks, by folder: consuming FolderClaim) -> LeasedFiles {
        LeasedFiles(
            offer: offer,
            folder: folder,
            claim: locks.claim,
            database: database,
            log: log,
            databaseLock: locks.database,
            logLock: locks.log
        )
    }

    /// Closes the files. A failure has nobody to be told to: nothing was written since they were unlocked.
    consuming func close() {
        offer.withdraw()
        try? log.close()
        try? database.close()
    }
}
