// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPerdureVFS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The two open files of a database, for a ``Connection`` to work on instead of opening them by itself.
///
/// SQLite's own file layer opens the files once more, and its `close` drops every POSIX lock of the process on them. On
/// these, a connection neither opens, locks nor closes anything: whoever has the descriptors says who may use the files.
///
/// What else is different from SQLite's own layer:
/// - The frames of one commit are **one write and one sync** of the log, as long as they are not larger than 1 MiB; the
///   header of a log that begins anew is written with them.
/// - **The first error of the file system is the end**: every later operation on either file fails at once, without
///   touching it. Whether the last write reached the disk is unknown then, and a second `fsync` that succeeds proves
///   nothing.
/// - The log stays the same file for ever: instead of being deleted it is emptied.
/// - No other file is ever opened: rollback journals and temporary tables are in memory.
@safe public struct DatabaseFiles: ~Copyable {
    /// The path of the database, which is the name of the files here. It is not opened.
    public let path: String
    private let files: OpaquePointer

    /// Offers the files to connections, of which there can be one at a time.
    ///
    /// - Parameters:
    ///   - path: the absolute path of the database.
    ///   - database: its descriptor, for reading and writing. It stays the caller's, and has to stay open as long as
    ///     this value lives.
    ///   - log: the descriptor of `<path>-wal`, likewise.
    /// - Throws: `.misuse` for a path that is relative, has a NUL character in it or is on offer already.
    public init(path: String, database: Int32, log: Int32) throws(SQLiteError) {
        if path.utf8.contains(0) {
            throw SQLiteError(.misuse, call: "offer", message: "the path contains a NUL character")
        }
        var offered: OpaquePointer?
        let failure = unsafe perdure_files_offer(path, database, log, &offered)
        guard failure == 0, let files = unsafe offered else {
            throw failure == ENOMEM
                ? SQLiteError(.outOfMemory, call: "offer", message: "out of memory")
                : SQLiteError(.misuse, call: "offer", message: "the path is relative, or its files are on offer")
        }
        self.path = path
        unsafe self.files = unsafe files
    }

    /// The failure that a connection on these files ended with; nil as long as nothing has failed.
    public var failure: FileFailure? { unsafe FileFailure(of: files) }

    /// How often an operation was done, by every connection so far. For the thread that uses the connection.
    public func count(of operation: FileOperation) -> Int {
        Int(unsafe perdure_files_count(files, operation.number))
    }

    /// How many bytes were read or written by an operation.
    public func bytes(of operation: FileOperation) -> Int {
        Int(unsafe perdure_files_bytes(files, operation.number))
    }

    /// Has the connection refuse everything until ``resume()``, for files that are not locked meanwhile. It keeps what it
    /// has in memory.
    package func suspend() { unsafe perdure_files_suspend(files) }

    /// Lets the connection go on. To be called when the files are locked again, and hold what they held.
    package func resume() throws(SQLiteError) {
        guard unsafe perdure_files_resume(files) == 0 else {
            throw SQLiteError(.misuse, call: "resume", message: "other files are on offer under the path")
        }
    }

    /// Where the log ends, and how; nil unless the connection that is open has made a commit. Nothing is read for it.
    package var logEnd: LogEnd? {
        var end = perdure_log_end()
        guard unsafe perdure_files_log_end(files, &end) else { return nil }
        return unsafe LogEnd(
            header: withUnsafeBytes(of: end.header) { unsafe Array($0) },
            frame: withUnsafeBytes(of: end.frame) { unsafe Array($0) },
            frameOffset: end.frame_offset,
            size: end.size)
    }

    /// Ends the offer. A connection that is still open can do nothing any more; its descriptors may be closed.
    public consuming func withdraw() {}

    deinit {
        unsafe perdure_files_withdraw(files)
    }
}

/// The end of a log: as long as it is the same, nobody has written to the log. The checksum in the last frame's header is
/// cumulative from the log's header on, whose salts are new each time that the log begins anew.
package struct LogEnd: Sendable, Hashable {
    /// The log's header.
    package let header: [UInt8]
    /// The header of the last frame, which ends a commit.
    package let frame: [UInt8]
    /// Where that is.
    package let frameOffset: Int64
    /// Where the last frame ends.
    package let size: Int64
}

extension Connection {
    /// Opens a database on files that are open already.
    ///
    /// There is no memory to share with other processes, so the locking mode is EXCLUSIVE: *"If an EXCLUSIVE locking mode
    /// is set prior to the first WAL-mode database access, then SQLite never attempts to call any of the shared-memory
    /// methods and hence no shared-memory wal-index is ever created."* Temporary tables are in memory.
    ///
    /// After the first failure on the files, and after their withdrawal, the connection refuses everything, also what it
    /// could answer from its cache.
    ///
    /// - Parameter mode: With `.readOnly` SQLite writes to neither file: what the log has is found anew, in memory.
    /// - Throws: `.cannotOpen` while another connection is open on the files.
    public convenience init(files: borrowing DatabaseFiles, mode: Mode = .readWrite) throws(SQLiteError) {
        do throws(SQLiteError) {
            try self.init(path: files.path, vfs: PERDURE_VFS_NAME, mode: mode)
        } catch {
            throw error.adding(files.failure)
        }
        unsafe self.files = unsafe perdure_files_of_connection(try open("open"))
        try execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;")
    }
}
