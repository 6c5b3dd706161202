// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPOSIX

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A lock on a range of bytes of an open file, held by this process until it is released.
///
/// It is a POSIX record lock (`fcntl`, `F_SETLK`), on purpose not an open-file-description lock: the Linux NFS client
/// looks up the lock state of a read or write by the *process* that locked. Only a POSIX lock therefore makes the file
/// server refuse writes through every descriptor of the inode, whoever in the process opened it, once the lock was given
/// to another client.
///
/// The traps of such locks:
/// - **Any `close` of the inode by this process drops the lock**, through whichever descriptor. `OpenFile` puts its
///   closes off until the lock is released; SQLite's own file layer and foreign code close theirs regardless, and
///   nothing tells.
/// - **A second lock by the same process succeeds**, and releasing either one unlocks the bytes. Take an `InodeClaim`
///   first.
/// - A forked child does not inherit the lock.
/// - After an NFS lease has expired, nothing tells the holder: only its next read, write or sync of this inode fails.
public struct FileLock: ~Copyable, Sendable {
    /// Whether others may hold the same bytes at the same time.
    public enum Mode: Sendable {
        /// Any number of processes.
        case shared
        /// One process.
        case exclusive
    }

    /// The locked bytes.
    public let bytes: Range<Int64>
    /// Shared or exclusive.
    public let mode: Mode
    private let descriptor: Int32
    private let identity: FileIdentity

    private init(file: borrowing OpenFile, bytes: Range<Int64>, mode: Mode) {
        descriptor = file.descriptor
        identity = file.identity
        self.bytes = bytes
        self.mode = mode
    }

    /// Locks a range of bytes, or says at once that somebody else has it.
    ///
    /// Never waits for the holder; over NFS it blocks for one LOCK, and writes the file's dirty pages back first.
    ///
    /// - Parameters:
    ///   - file: the file to lock. Its descriptor stays open until the lock is released.
    ///   - bytes: the range, which may lie beyond the end of the file. Neither empty nor negative.
    ///   - mode: shared or exclusive.
    ///   - namesHolder: whether a refusal asks for the holder's process id. That is one more round trip over NFS when
    ///     the holder is another client, so a caller that polls passes false.
    /// - Throws: `.heldElsewhere`, `.tooManyLocks`, or `.ioError`; `.claimedHere` when another thread is closing a
    ///   descriptor of the inode at this moment, which cannot happen under an `InodeClaim`.
    public static func acquire(
        on file: borrowing OpenFile,
        bytes: Range<Int64>,
        mode: Mode = .exclusive,
        namesHolder: Bool = true
    ) throws(FileLockError) -> FileLock {
        // A length of 0 would mean "up to the end of all offsets" to fcntl.
        if bytes.isEmpty { throw FileLockError(errno: EINVAL, call: "fcntl(F_SETLK)") }
        guard DescriptorRegistry.shared.beginLock(file.identity) else {
            throw FileLockError(.claimedHere, call: "fcntl(F_SETLK)")
        }
        let failure = cposix_lock(file.descriptor, mode.kind, bytes.lowerBound, bytes.length)
        if failure == 0 { return FileLock(file: file, bytes: bytes, mode: mode) }
        // A failing close of somebody else's descriptor is not the news here.
        try? DescriptorRegistry.shared.endLock(file.identity)
        switch failure {
        case EACCES, EAGAIN:
            let holder = namesHolder ? try holder(on: file, bytes: bytes, mode: mode) : nil
            throw FileLockError(.heldElsewhere, call: "fcntl(F_SETLK)", errno: failure, holder: holder)
        default:
            throw FileLockError(errno: failure, call: "fcntl(F_SETLK)")
        }
    }

    /// The process whose lock stands in the way of such a lock; nil when there is none, or when it is not a process of
    /// this machine. An answer about the past: it may be wrong when it arrives.
    ///
    /// - Throws: `.ioError`.
    public static func holder(
        on file: borrowing OpenFile,
        bytes: Range<Int64>,
        mode: Mode = .exclusive
    ) throws(FileLockError) -> Int32? {
        var pid: Int32 = 0
        let failure = unsafe cposix_lock_holder(file.descriptor, mode.kind, bytes.lowerBound, bytes.length, &pid)
        if failure != 0 { throw FileLockError(errno: failure, call: "fcntl(F_GETLK)") }
        return pid == 0 ? nil : pid
    }

    /// Whether another process, here or on another client of the file server, holds a lock that such a lock would have to wait
    /// for. A lock of this process never counts. An answer about the past; one LOCKT over NFS.
    ///
    /// - Throws: `.ioError`.
    public static func isHeldElsewhere(
        on file: borrowing OpenFile,
        bytes: Range<Int64>,
        mode: Mode = .exclusive
    ) throws(FileLockError) -> Bool {
        var isHeld: Int32 = 0
        let failure = unsafe cposix_lock_is_held(file.descriptor, mode.kind, bytes.lowerBound, bytes.length, &isHeld)
        if failure != 0 { throw FileLockError(errno: failure, call: "fcntl(F_GETLK)") }
        return isHeld != 0
    }

    /// Unlocks the bytes. Over NFS it blocks until dirty pages are written back, then for one LOCKU.
    ///
    /// - Throws: `.ioError`; over NFS this can be the news that the lock, and with it the last writes, were lost.
    public consuming func release() throws(FileLockError) {
        let (descriptor, identity, bytes) = (self.descriptor, self.identity, self.bytes)
        discard self
        try Self.unlock(descriptor, identity, bytes)
    }

    deinit {
        // A net for early exits: a failure has nobody to be told to.
        try? Self.unlock(descriptor, identity, bytes)
    }

    private static func unlock(
        _ descriptor: Int32, _ identity: FileIdentity, _ bytes: Range<Int64>
    ) throws(FileLockError) {
        let failure = cposix_lock(descriptor, Int32(CPOSIX_UNLOCK), bytes.lowerBound, bytes.length)
        if failure == 0 {
            // Afterwards, as this may close the very descriptor.
            try DescriptorRegistry.shared.endLock(identity)
        } else {
            try? DescriptorRegistry.shared.endLock(identity)
            throw FileLockError(errno: failure, call: "fcntl(F_UNLCK)")
        }
    }
}

extension FileLock.Mode {
    fileprivate var kind: Int32 {
        switch self {
        case .shared: Int32(CPOSIX_READ)
        case .exclusive: Int32(CPOSIX_WRITE)
        }
    }
}

extension Range<Int64> {
    /// The number of bytes; `count` would trap where bounds of opposite sign overflow it.
    fileprivate var length: Int64 { upperBound.subtractingReportingOverflow(lowerBound).partialValue }
}
