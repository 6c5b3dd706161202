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

/// A regular file, open for reading and writing, that is closed exactly once.
///
/// *"All locks associated with a file for a given process shall be removed when a file descriptor for that file is
/// closed by that process"* (POSIX, `fcntl`). So while an `InodeClaim` or a `FileLock` on the inode exists, through
/// whichever `OpenFile`, the descriptor of a closed `OpenFile` is kept, and closed when the last of them is gone.
public struct OpenFile: ~Copyable, Sendable {
    /// The descriptor, valid as long as this value lives. Never close it yourself.
    public let descriptor: Int32
    /// The path it was opened under.
    public let path: String
    /// The inode that was opened.
    public let identity: FileIdentity
    private var isClosed = false

    /// Opens the file, and creates it, readable and writable by its owner only, where it does not exist.
    ///
    /// Blocks for one OPEN on NFS. A path with a NUL character in it is refused.
    ///
    /// - Parameter createsMissing: False to have a file that does not exist be an `.ioError` with `ENOENT`.
    /// - Throws: `.notRegularFile` when the last component of the path is a symbolic link or the path names something
    ///   other than a regular file; otherwise `.ioError`.
    public init(path: String, createsMissing: Bool = true) throws(FileLockError) {
        if path.utf8.contains(0) { throw FileLockError(errno: EINVAL, call: "open") }
        let opened = try systemCall("open") {
            createsMissing
                ? unsafe cposix_open_or_create(path) : unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        }
        let found: stat
        do {
            found = try status(ofDescriptor: opened)
        } catch {
            // Without an identity there is no claim to heed. The failure of fstat is the one to report.
            try? closeOnce(opened)
            throw error
        }
        if found.st_mode & S_IFMT != S_IFREG {
            try? closeOnce(opened)
            throw FileLockError(.notRegularFile, call: "open")
        }
        descriptor = opened
        self.path = path
        identity = FileIdentity(found)
    }

    /// Has the names in a folder looked up anew: what others have created or replaced there is seen from now on. One GETATTR on
    /// NFS, without which a name may be believed to be missing for as long as the folder's attributes are (`acdirmax`, 60 s).
    public static func refreshNames(in folder: String) { unsafe cposix_refresh(folder) }

    /// Whether the path still leads to this file; false when it was deleted or replaced.
    ///
    /// Ask after the lock is taken: over NFS, taking a lock empties the inode's caches, so a deletion by another client
    /// shows at once (one GETATTR). A *rename* by another client shows only when the cached folder entry expires
    /// (`acdirmax`, 60 s unless mounted otherwise).
    ///
    /// - Throws: `.ioError` when neither yes nor no can be said.
    public func pathStillNamesThisFile() throws(FileLockError) -> Bool {
        do {
            if try status(ofDescriptor: descriptor).st_nlink == 0 { return false }
            return FileIdentity(try status(ofPath: path)) == identity
        } catch {
            switch error.errno {
            case ENOENT, ENOTDIR, ESTALE: return false
            default: throw error
            }
        }
    }

    /// The size in bytes now (`lseek`; at most one GETATTR on NFS, and none while the file is locked and its attributes have
    /// been asked for since). Moves the descriptor's offset, which nothing else here uses.
    public func size() throws(FileLockError) -> Int64 {
        Int64(try systemCall("lseek") { lseek(descriptor, 0, SEEK_END) })
    }

    /// Up to `count` bytes from `offset` on; fewer when the file ends before that, none from its end on.
    ///
    /// Blocks for READs of the mount's `rsize`, as far as the bytes are not cached.
    public func read(count: Int, at offset: Int64) throws(FileLockError) -> [UInt8] {
        if count < 0 || offset < 0 { throw FileLockError(errno: EINVAL, call: "pread") }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try systemCall("pread") {
                unsafe bytes.withUnsafeMutableBytes { buffer in
                    unsafe pread(
                        descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled,
                        off_t(offset) + off_t(filled))
                }
            }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    /// Has the system read these bytes ahead, and does not wait for them. On NFS one READ for each MiB, which others of the
    /// same file and of other files may overlap, and at most one GETATTR. Does nothing on systems other than Linux.
    public func prefetch(_ bytes: Range<Int64>) {
        cposix_prefetch(descriptor, bytes.lowerBound, bytes.upperBound - bytes.lowerBound)
    }

    /// Writes bytes at the descriptor's offset, and has the system begin to write them out; nothing is durable when it returns.
    /// On NFS one WRITE for each MiB and a COMMIT, neither of which is waited for.
    public func push(_ bytes: [UInt8]) throws(FileLockError) {
        var written = 0
        while written < bytes.count {
            written += try systemCall("write") {
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, bytes.count - written)
                }
            }
        }
        cposix_push(descriptor)
    }

    /// Cuts or lengthens the file to that many bytes.
    public func truncate(to size: Int64) throws(FileLockError) {
        _ = try systemCall("ftruncate") { ftruncate(descriptor, off_t(size)) }
    }

    /// Forgets that earlier writes to the file failed, by whomever they were made. To be called after the file is locked,
    /// and before anything is written to it.
    ///
    /// Linux keeps the failure of a write that nobody was told of for the next sync of the file, even through another
    /// descriptor that is opened later. Over NFS, writes of a lease that was lost fail so, and would fail the first commit
    /// of the next lease. No round trip.
    public func forgetEarlierFailures() { cposix_take_write_error(descriptor) }

    /// Closes the file, or leaves the descriptor to the last claim or lock on its inode, whose end closes it.
    ///
    /// - Throws: `.ioError` when `close` reports one: over NFS that is the last word about earlier writes.
    public consuming func close() throws(FileLockError) {
        isClosed = true
        try DescriptorRegistry.shared.close(descriptor, of: identity)
    }

    deinit {
        if isClosed { return }
        // A net for early exits: a failing close has nobody to be told to.
        try? DescriptorRegistry.shared.close(descriptor, of: identity)
    }
}
