// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The files of a session, locked as for a lease and left as they are.
///
/// What a lease does to files before it reads them (create, roll back, empty) would be done to the evidence here. The
/// locks are those for writing: another program that uses SQLite may write to the log under a lock for reading.
struct InspectedFiles: ~Copyable {
    // Declared first, and therefore ended first.
    /// The files, for a connection to read from.
    let offer: DatabaseFiles
    /// The size of the database in bytes.
    let databaseSize: Int64
    /// The write-ahead log; nil when there is none.
    let log: LockedLog?
    /// Whether there was a log before this looked.
    let hadLog: Bool
    private let nothing: NullDevice?
    private let databaseLock: FileLock
    let database: OpenFile
    private let claim: InodeClaim
    private let folder: FolderClaim

    /// The log and its lock.
    final class LockedLog {
        let size: Int64
        private let lock: FileLock
        let file: OpenFile

        init(_ file: consuming OpenFile, _ lock: consuming FileLock) throws(SessionStoreError) {
            size = try locking { () throws(FileLockError) in try file.size() }
            self.file = file
            self.lock = lock
        }
    }

    /// An empty file that SQLite can be given for a log that is missing.
    struct NullDevice: ~Copyable {
        let descriptor: Int32

        init() throws(SessionStoreError) {
            descriptor = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { throw .system(errno, at: "verify") }
        }

        deinit { close(descriptor) }
    }

    /// Locks the files that there are.
    ///
    /// Throws ``SessionStoreError/Code/busy`` at once when somebody holds one of them, and
    /// ``SessionStoreError/Code/foreignFile`` when one of them is no regular file.
    /// - Parameter createsMissing: Whether to create a file that is missing, as a lease does: so that it can be locked.
    static func acquire(in folder: String, createsMissing: Bool) throws(SessionStoreError) -> InspectedFiles {
        let path = folder + "/s.db"
        guard let folderClaim = FolderClaim(folder) else { throw .busy }
        let files = SessionFiles(path: path)
        let database = try locking { () throws(FileLockError) in
            try OpenFile(path: path, createsMissing: createsMissing)
        }
        let claim = try locking { () throws(FileLockError) in try InodeClaim(database) }
        let databaseLock = try files.lock(database, LeasedFiles.databaseBytes, as: .lockDatabase)
        guard try isInPlace(database) else { throw .replaced }
        let hadLog = unsafe access(path + "-wal", F_OK) == 0
        let log = try lockLog(files, createsMissing: createsMissing)
        let nothing = log == nil ? try NullDevice() : nil
        let descriptor =
            switch nothing {
            case .some(let device): device.descriptor
            case nil: log?.file.descriptor ?? -1
            }
        let size = try files.size(of: database, as: .databaseSize)
        let offer = try sqlite(at: "verify") { () throws(SQLiteError) in
            try DatabaseFiles(path: path, database: database.descriptor, log: descriptor)
        }
        return InspectedFiles(
            offer: offer,
            databaseSize: size,
            log: log,
            hadLog: hadLog,
            nothing: nothing,
            databaseLock: databaseLock,
            database: database,
            claim: claim,
            folder: folderClaim
        )
    }

    private static func lockLog(_ files: SessionFiles, createsMissing: Bool) throws(SessionStoreError) -> LockedLog? {
        let file: OpenFile
        do throws(FileLockError) {
            file = try OpenFile(path: files.path + "-wal", createsMissing: createsMissing)
        } catch {
            if error.errno == ENOENT { return nil }
            throw SessionStoreError(error)
        }
        let lock = try files.lock(file, LeasedFiles.logBytes, as: .lockLog)
        guard try isInPlace(file) else { throw .replaced }
        return try LockedLog(file, lock)
    }

    private static func isInPlace(_ file: borrowing OpenFile) throws(SessionStoreError) -> Bool {
        try locking { () throws(FileLockError) in try file.pathStillNamesThisFile() }
    }

    /// Unlocks and closes. A failure has nobody to be told to: nothing was written.
    consuming func release() {}
}
