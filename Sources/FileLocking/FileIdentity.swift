// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Which file this is, whatever its path: the pair that POSIX guarantees to be unique while the file exists.
public struct FileIdentity: Hashable, Sendable {
    /// The file system (`st_dev`).
    public let device: UInt64
    /// The file in it (`st_ino`).
    public let inode: UInt64

    init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
}

/// `fstat` of an open descriptor.
func status(ofDescriptor descriptor: Int32) throws(FileLockError) -> stat {
    var status = stat()
    _ = try systemCall("fstat") { unsafe fstat(descriptor, &status) }
    return status
}

/// `lstat` of a path: a symbolic link is not followed, as `OpenFile` does not follow it either.
func status(ofPath path: String) throws(FileLockError) -> stat {
    var status = stat()
    _ = try systemCall("lstat") { unsafe lstat(path, &status) }
    return status
}
