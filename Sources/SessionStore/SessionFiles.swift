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

/// What a lease does with a session's files before a connection does and after it, each step under its name.
struct SessionFiles {
    /// The path of the database.
    let path: String

    func open(_ file: String, as operation: FileOperation) throws(SessionStoreError) -> OpenFile {
        try perform(operation, call: "open") { () throws(FileLockError) in try OpenFile(path: file) }
    }

    func lock(
        _ file: borrowing OpenFile,
        _ bytes: Range<Int64>,
        as operation: FileOperation
    ) throws(SessionStoreError) -> FileLock {
        let failure = { (number: Int32) in
            number == EAGAIN || number == EACCES
                ? FileLockError(.heldElsewhere, call: "fcntl(F_SETLK)", errno: number)
                : FileLockError(errno: number, call: "fcntl(F_SETLK)")
        }
        return try perform(operation, failure: failure) { () throws(FileLockError) in
            try FileLock.acquire(on: file, bytes: bytes, namesHolder: false)
        }
    }

    func unlock(_ lock: consuming FileLock, as operation: FileOperation) throws(SessionStoreError) {
        // What a closure captures cannot be consumed, but taken.
        var lock = Optional(lock)
        try perform(operation, call: "fcntl(F_UNLCK)") { () throws(FileLockError) in try lock.take()?.release() }
    }

    func size(of file: borrowing OpenFile, as operation: FileOperation) throws(SessionStoreError) -> Int64 {
        try perform(operation, call: "lseek") { () throws(FileLockError) in try file.size() }
    }

    /// Whether the path of a file still leads to it.
    func areInPlace(_ file: borrowing OpenFile) throws(SessionStoreError) -> Bool {
        try locking { () throws(FileLockError) in try file.pathStillNamesThisFile() }
    }

    /// A turn reads the whole of the log and of the conversation: of a file, up to this many bytes are read ahead.
    static let prefetchLimit: Int64 = 16 << 20

    /// Has a file read ahead, in large pieces and beside what else is done.
    func prefetch(_ file: borrowing OpenFile, as operation: FileOperation) throws(SessionStoreError) {
        let size = try size(of: file, as: operation)
        if size > 0 { file.prefetch(0..<min(size, Self.prefetchLimit)) }
    }

    /// Whether the log ends as it did. To be asked after it is locked, which makes the answer the server's.
    func ends(_ log: borrowing OpenFile, as end: LogEnd) throws(SessionStoreError) -> Bool {
        guard try size(of: log, as: .logSize) == end.size else { return false }
        // Both are asked for before either is waited for. The end of the last frame comes with its header: over NFS, a commit
        // behind it would first read what it shares a page with.
        let count = (header: end.header.count, frame: end.frame.count)
        log.prefetch(0..<Int64(count.header))
        log.prefetch(end.frameOffset..<end.size)
        let header = try perform(.logRead, call: "pread") { () throws(FileLockError) in
            try log.read(count: count.header, at: 0)
        }
        let frame = try perform(.logRead, call: "pread") { () throws(FileLockError) in
            try log.read(count: count.frame, at: end.frameOffset)
        }
        return header == end.header && frame == end.frame
    }

    /// Makes the names of the two files durable.
    func sync(_ folder: String) throws(SessionStoreError) {
        let failure = { (number: Int32) in SessionStoreError.system(number, at: "open") }
        try FileOperation.folderSync.perform(on: path, failure: failure) { () throws(SessionStoreError) in
            if let number = syncFolder(folder) { throw failure(number) }
        }
    }

    func emptyDatabase(_ database: borrowing OpenFile) throws(SessionStoreError) {
        try perform(.databaseTruncate, call: "ftruncate") { () throws(FileLockError) in try database.truncate(to: 0) }
    }

    /// Removes the name of the database, or of the file beside it with that suffix, if there is one.
    func removeFile(_ suffix: String) throws(SessionStoreError) {
        try remove { unsafe unlink(path + suffix) == 0 || errno == ENOENT }
    }

    /// Empties and removes the inbox, if there is one, and makes that durable.
    func removeInbox() throws(SessionStoreError) {
        var isThere = true
        try remove {
            // Emptied, as a file that somebody has open keeps its bytes.
            isThere = unsafe truncate(path + "-inbox", 0) == 0
            return isThere ? unsafe unlink(path + "-inbox") == 0 : errno == ENOENT
        }
        if isThere { try sync(String(path.dropLast("/s.db".utf8.count))) }
    }

    /// Removes the folder unless there is something in it, and makes that durable.
    func removeFolder(_ folder: String) throws(SessionStoreError) {
        try remove { unsafe rmdir(folder) == 0 || [ENOENT, ENOTEMPTY, EEXIST].contains(errno) }
        try sync(String(folder.prefix(upTo: folder.lastIndex(of: "/") ?? folder.endIndex)))
    }

    private func remove(_ body: () -> Bool) throws(SessionStoreError) {
        let failure = { (number: Int32) in SessionStoreError.system(number, at: "erase") }
        try FileOperation.folderUnlink.perform(on: path, failure: failure) { () throws(SessionStoreError) in
            if !body() { throw failure(errno) }
        }
    }

    /// Removes the log's name, and makes that durable. Whoever has the file open goes on with a file that nobody reads.
    func removeLog(in folder: String) throws(SessionStoreError) {
        try perform(.logRemove, call: "unlink") { () throws(FileLockError) in
            if unsafe unlink(path + "-wal") != 0 { throw FileLockError(errno: errno, call: "unlink") }
        }
        try sync(folder)
    }

    private func perform<Result: ~Copyable>(
        _ operation: FileOperation,
        call: StaticString,
        _ body: () throws(FileLockError) -> Result
    ) throws(SessionStoreError) -> Result {
        try perform(operation, failure: { FileLockError(errno: $0, call: call) }, body)
    }

    private func perform<Result: ~Copyable>(
        _ operation: FileOperation,
        failure: (Int32) -> FileLockError,
        _ body: () throws(FileLockError) -> Result
    ) throws(SessionStoreError) -> Result {
        try locking { () throws(FileLockError) in try operation.perform(on: path, failure: failure, body) }
    }

    // MARK: - What a crash may have left

    /// Makes locked files ready for a connection. False when they were rolled back to what they were before somebody's
    /// crash: they have to be locked anew.
    func settle(
        _ database: borrowing OpenFile, _ log: borrowing OpenFile, in folder: String
    ) throws(SessionStoreError) -> Bool {
        if try haveHotJournal() {
            try rollBack()
            return false
        }
        // Those of a lease that was lost are that lease's business. What is read under this one comes from the server.
        database.forgetEarlierFailures()
        log.forgetEarlierFailures()
        try clearIfUnwritten(database, log)
        // The log's name is durable before its first byte is, and so a log with bytes in it has a durable name.
        if try size(of: log, as: .logSize) == 0 { try sync(folder) }
        return true
    }

    /// Makes a database that was never written an empty file, which a session can be created in.
    ///
    /// A session begins with the first page of an empty database. All that is not zero in it lies in its first 108 bytes:
    /// the "Database Header" and the header of an empty "B-tree Page". A power failure leaves either them, or zeros, or
    /// nothing. A write that was cut off within them leaves a file that is too short to hold anything.
    func clearIfUnwritten(_ database: borrowing OpenFile, _ log: borrowing OpenFile) throws(SessionStoreError) {
        let size = try size(of: database, as: .databaseSize)
        if size > Schema.pageSize { return }
        if size > 0 {
            let page = try perform(.databaseRead, call: "pread") { () throws(FileLockError) in
                try database.read(count: Int(size), at: 0)
            }
            let isCutOff = size < Self.headers && zip(page, Self.magic).allSatisfy { $0 == $1 }
            if !isCutOff, page.contains(where: { $0 != 0 }) { return }
        }
        try refuseLostDatabase(log)
        if size > 0 {
            try perform(.databaseTruncate, call: "ftruncate") { () throws(FileLockError) in
                try database.truncate(to: 0)
            }
        }
    }

    /// The length of the two headers.
    private static let headers = 108
    /// "The header string": what a database begins with.
    private static let magic = Array("SQLite format 3\0".utf8)

    /// A log with a header beside an empty database is no leftover of a creation: the database was lost. Creating a new
    /// one would empty the log.
    private func refuseLostDatabase(_ log: borrowing OpenFile) throws(SessionStoreError) {
        let header = try perform(.logRead, call: "pread") { () throws(FileLockError) in try log.read(count: 4, at: 0) }
        // The two magic numbers of "WAL File Format" in SQLite's manual, which tell the order of bytes in checksums.
        guard header == [0x37, 0x7F, 0x06, 0x82] || header == [0x37, 0x7F, 0x06, 0x83] else { return }
        throw SessionStoreError(
            .damaged,
            at: "lease",
            "s.db is empty and s.db-wal is not: a session is both files; restore them together from a backup"
        )
    }

    /// Whether there is a rollback journal, of which SQLite says that one that begins with a zero is not hot any more.
    /// This library writes none. Other programs do, after they have set another journal mode.
    func haveHotJournal() throws(SessionStoreError) -> Bool {
        let (byte, failure) = firstByte(of: path + "-journal")
        if let failure { throw .system(failure, at: "open") }
        return byte ?? 0 != 0
    }

    /// Has SQLite's own file layer roll the database back and remove the journal. It closes its descriptor of the
    /// database, and thereby drops the lock: the lease has to be begun anew.
    func rollBack() throws(SessionStoreError) {
        try sqlite(at: "open") { () throws(SQLiteError) in
            let connection = try Connection(path: path, vfs: "unix-none", mode: .readWrite)
            try connection.setCheckpointOnClose(false)
            try connection.setPersistentWAL(true)
            try connection.execute("PRAGMA locking_mode=EXCLUSIVE; SELECT 1 FROM sqlite_schema")
            try connection.close()
        }
        // In EXCLUSIVE mode SQLite only overwrites the journal's header.
        if try !haveHotJournal() { unsafe unlink(path + "-journal") }
    }
}
