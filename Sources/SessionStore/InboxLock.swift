// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

/// The right to read and write an inbox, for a moment. It ends with the value, which one thread uses.
final class InboxLock {
    private let file: InboxFile
    private var lock: FileLock?

    init(_ lock: consuming FileLock, on file: InboxFile) {
        self.lock = consume lock
        self.file = file
    }

    deinit {
        // A net for early exits. Unlocked first: nobody else in this process has the bytes locked then.
        lock = nil
        file.endTurn()
    }

    /// Ends it. A failure over NFS is the news that what was done under the lock may be lost.
    func release() throws(SessionStoreError) {
        if let lock = lock.take() { try file.unlock(lock) }
    }

    /// All bytes: READs, as a lock empties the cache of the file.
    func read() throws(SessionStoreError) -> [UInt8] {
        let size = try file.size()
        if size == 0 { return [] }
        return try file.perform(.inboxRead, call: "pread") { (file) throws(FileLockError) in
            try file.read(count: Int(size), at: 0)
        }
    }

    /// Whether the holder of the lease attends to the inbox.
    func isAttended() throws(SessionStoreError) -> Bool { try file.isAttended() }

    func truncate(to size: Int) throws(SessionStoreError) {
        try file.perform(.inboxTruncate, call: "ftruncate") { (file) throws(FileLockError) in
            try file.truncate(to: Int64(size))
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SessionStoreError) {
        try file.perform(.inboxWrite, call: "pwrite") { (file) throws(FileLockError) in
            try file.overwrite(with: bytes, at: Int64(offset))
        }
    }

    func sync() throws(SessionStoreError) {
        try file.perform(.inboxSync, call: "fsync") { (file) throws(FileLockError) in try file.sync() }
    }
}

/// The promise of the holder of a lease to look into the inbox before the lease ends. One thread uses it.
final class InboxAttendance {
    let file: InboxFile
    private var lock: FileLock?

    init(_ lock: consuming FileLock, on file: InboxFile) {
        self.lock = consume lock
        self.file = file
    }

    deinit {
        // A net for early exits.
        guard let lock = lock.take() else { return }
        file.endAttendance()
        _ = consume lock
    }

    func end() throws(SessionStoreError) {
        guard let lock = lock.take() else { return }
        // Only now: the next lease of this process may have begun to attend when this value goes.
        file.endAttendance()
        try file.unlock(lock)
    }
}
