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
/// There is one for a path in a process, shared by everybody who needs it, until it fails. POSIX locks belong to the process, and closing any
/// descriptor of the file would drop them; so whoever polls would leave an open descriptor behind each time.
final class InboxFile: Sendable {
    /// What this process does with the inbox of a path. Nobody but another process sees its locks.
    private struct Use {
        // Goes with the last who uses it, at any moment.
        weak var file: InboxFile?
        var isLocked = false
        var isAttended = false

        var isOver: Bool { file == nil && !isLocked && !isAttended }
    }

    private static let uses = Mutex<[String: Use]>([:])
    /// Bytes that no inbox ever reaches.
    static let lockBytes: Range<Int64> = (1 << 40)..<(1 << 40 + 1)
    static let attendanceBytes: Range<Int64> = (1 << 40 + 1)..<(1 << 40 + 2)

    /// The path of the database.
    let database: String
    private let file: OpenFile

    private init(_ file: consuming OpenFile, of database: String) {
        self.file = file
        self.database = database
    }

    private static func change<Result: Sendable>(_ database: String, _ body: (inout Use) -> Result) -> Result {
        uses.withLock { uses in
            body(&uses[database, default: Use()])
        }
    }

    /// Opens the inbox of the session in that folder, and creates it if it is missing: one OPEN over NFS, which asks the
    /// server whatever the client believes of the folder. Nil when there is no folder.
    static func open(in folder: String) throws(SessionStoreError) -> InboxFile? {
        let database = folder + "/s.db"
        if let found = change(database, { $0.file }) { return found }
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
        return uses.withLock { uses in
            if let found = uses[database]?.file { return found }
            uses = uses.filter { !$0.value.isOver }
            uses[database, default: Use()].file = opened
            return opened
        }
    }

    /// Has the next one who needs the inbox open it anew: it was replaced, or an operation on it has failed, after which the
    /// descriptor of a file on NFS is not to be trusted.
    func giveUp() {
        Self.change(database) { use in
            if use.file === self { use.file = nil }
        }
    }

    // MARK: - Locks

    /// Waits for the right to read and write the inbox; nil when the file was replaced meanwhile.
    ///
    /// Throws SessionStoreError/Code/busy when the deadline passes.
    /// - Parameter interval: How long it waits between two attempts, in milliseconds.
    func lock(
        until deadline: ContinuousClock.Instant, polling interval: ClosedRange<Int64> = 5...40
    ) throws(SessionStoreError) -> InboxLock? {
        while true {
            if let lock = try lockNow() {
                guard try isInPlace() else { return nil }
                file.forgetEarlierFailures()
                return lock
            }
            let wait = Duration.milliseconds(Int64.random(in: interval))
            guard .now.advanced(by: wait) < deadline else { throw .inboxBusy }
            sleep(wait)
        }
    }

    private func lockNow() throws(SessionStoreError) -> InboxLock? {
        let isMine = Self.change(database) { use in
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

    func endTurn() { Self.change(database) { $0.isLocked = false } }

    /// Begins to attend to the inbox; nil when the file was replaced. For whoever has the lease.
    ///
    /// Throws SessionStoreError/Code/busy when somebody else attends until the deadline: the holder of a lease that was lost. The
    /// locks of a process that is killed go one after the other, too.
    func attend(until deadline: ContinuousClock.Instant) throws(SessionStoreError) -> InboxAttendance? {
        var lock: FileLock?
        while lock == nil {
            do throws(SessionStoreError) {
                lock = try acquire(Self.attendanceBytes)
            } catch {
                guard error.code == .busy, .now < deadline else { throw error }
                sleep(.milliseconds(Int64.random(in: 1...8)))
            }
        }
        guard let lock else { throw .inboxBusy }
        let attendance = InboxAttendance(lock, on: self)
        guard try isInPlace() else { return nil }
        Self.change(database) { $0.isAttended = true }
        return attendance
    }

    func endAttendance() { Self.change(database) { $0.isAttended = false } }

    /// Whether the holder of the lease attends to the inbox: one LOCKT over NFS, unless it is a part of this process.
    func isAttended() throws(SessionStoreError) -> Bool {
        if Self.change(database, { $0.isAttended }) { return true }
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
