// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The inbox of one session, open: the file beside the database that messages for the holder of the lease are left in.
///
/// ```
/// s.db-inbox    messages, one a line; one byte far behind them is locked by whoever reads or writes,
///               and one by the holder of the lease for as long as he attends to the inbox
/// ```
///
/// There is one for a path in a process, shared by everybody who needs it. POSIX locks belong to the process, and closing any
/// descriptor of the file would drop them; so whoever polls would leave an open descriptor behind each time.
final class InboxFile: Sendable {
    /// What this process does with the file. Nobody but another process sees its locks.
    private struct Use {
        var isLocked = false
        var isAttended = false
    }

    private struct Shared {
        weak var file: InboxFile?
    }

    private static let shared = Mutex<[String: Shared]>([:])
    /// Bytes that no inbox ever reaches.
    static let lockBytes: Range<Int64> = (1 << 40)..<(1 << 40 + 1)
    static let attendanceBytes: Range<Int64> = (1 << 40 + 1)..<(1 << 40 + 2)

    /// The path of the database.
    let database: String
    private let file: OpenFile
    private let use = Mutex(Use())

    private init(_ file: consuming OpenFile, of database: String) {
        self.file = file
        self.database = database
    }

    deinit {
        Self.shared.withLock { files in
            // Another one may have been opened meanwhile.
            if files[database]?.file == nil { files[database] = nil }
        }
    }

    /// Opens the inbox of the session in that folder, and creates it if it is missing: one OPEN over NFS, which asks the
    /// server whatever the client believes of the folder. Nil when there is no folder.
    static func open(in folder: String) throws(SessionStoreError) -> InboxFile? {
        let database = folder + "/s.db"
        if let found = shared.withLock({ $0[database]?.file }) { return found }
        let file: OpenFile
        do throws(FileLockError) {
            file = try FileOperation.inboxOpen.perform(
                on: database, failure: { FileLockError(errno: $0, call: "open") }
            ) { () throws(FileLockError) in try OpenFile(path: database + "-inbox") }
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw SessionStoreError(error)
        }
        let opened = InboxFile(file, of: database)
        return shared.withLock { files in
            if let found = files[database]?.file { return found }
            files[database] = Shared(file: opened)
            return opened
        }
    }

    /// Has the next one who needs the inbox open it anew: it was replaced, or an operation on it has failed, after which the
    /// descriptor of a file on NFS is not to be trusted.
    func giveUp() {
        Self.shared.withLock { files in
            if files[database]?.file === self { files[database] = nil }
        }
    }

    // MARK: - Locks

    /// Waits for the right to read and write the inbox; nil when the file was replaced meanwhile.
    ///
    /// Throws SessionStoreError/Code/busy when the deadline passes.
    func lock(until deadline: ContinuousClock.Instant) throws(SessionStoreError) -> InboxLock? {
        while true {
            if let lock = try lockNow() {
                guard try isInPlace() else { return nil }
                file.forgetEarlierFailures()
                return lock
            }
            let wait = Duration.milliseconds(Int64.random(in: 2...40))
            guard .now.advanced(by: wait) < deadline else { throw .inboxBusy }
            sleep(wait)
        }
    }

    private func lockNow() throws(SessionStoreError) -> InboxLock? {
        let isMine = use.withLock { use in
            defer { use.isLocked = true }
            return !use.isLocked
        }
        guard isMine else { return nil }
        do throws(SessionStoreError) {
            return InboxLock(try acquire(Self.lockBytes), on: self)
        } catch {
            endTurn()
            if error.code == .busy { return nil }
            throw error
        }
    }

    func endTurn() { use.withLock { $0.isLocked = false } }

    /// Begins to attend to the inbox; nil when the file was replaced. For whoever has the lease.
    ///
    /// Throws SessionStoreError/Code/busy when somebody else attends: the holder of a lease that was lost.
    func attend() throws(SessionStoreError) -> InboxAttendance? {
        let attendance = InboxAttendance(try acquire(Self.attendanceBytes), on: self)
        guard try isInPlace() else { return nil }
        use.withLock { $0.isAttended = true }
        return attendance
    }

    func endAttendance() { use.withLock { $0.isAttended = false } }

    /// Whether the holder of the lease attends to the inbox: one LOCKT over NFS, unless it is a part of this process.
    func isAttended() throws(SessionStoreError) -> Bool {
        if use.withLock({ $0.isAttended }) { return true }
        return try givingUp { () throws(FileLockError) in
            try FileLock.isHeldElsewhere(on: file, bytes: Self.attendanceBytes)
        }
    }

    private func isInPlace() throws(SessionStoreError) -> Bool {
        let isInPlace = try givingUp { () throws(FileLockError) in try file.pathStillNamesThisFile() }
        if !isInPlace { giveUp() }
        return isInPlace
    }

    private func acquire(_ bytes: Range<Int64>) throws(SessionStoreError) -> FileLock {
        try perform(.inboxLock, call: "fcntl(F_SETLK)") { (file) throws(FileLockError) in
            try FileLock.acquire(on: file, bytes: bytes, namesHolder: false)
        }
    }

    func unlock(_ lock: consuming FileLock?) throws(SessionStoreError) {
        // What a closure captures cannot be consumed, but taken.
        var lock = lock
        try perform(.inboxUnlock, call: "fcntl(F_UNLCK)") { (_: borrowing OpenFile) throws(FileLockError) in
            try lock.take()?.release()
        }
    }

    /// The size in bytes, as the server knows it: one GETATTR over NFS.
    func size() throws(SessionStoreError) -> Int64 {
        try perform(.inboxSize, call: "statx") { (file) throws(FileLockError) in try file.serverSize() }
    }

    func perform<Result: ~Copyable>(
        _ operation: FileOperation, call: StaticString, _ body: (borrowing OpenFile) throws(FileLockError) -> Result
    ) throws(SessionStoreError) -> Result {
        try givingUp { () throws(FileLockError) in
            try operation.perform(on: database, failure: { FileLockError(errno: $0, call: call) }) {
                () throws(FileLockError) in try body(file)
            }
        }
    }

    private func givingUp<Result: ~Copyable>(
        _ body: () throws(FileLockError) -> Result
    ) throws(SessionStoreError) -> Result {
        do throws(FileLockError) {
            return try body()
        } catch {
            if error.code != .heldElsewhere, error.code != .claimedHere { giveUp() }
            throw SessionStoreError(error)
        }
    }
}
