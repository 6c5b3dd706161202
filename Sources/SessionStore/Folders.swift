// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Creates a folder and those above it, for the owner only, and makes their names durable. Returns an errno, or nil.
func createFolders(_ path: String) -> Int32? {
    // The usual case costs one look-up.
    if isFolder(path) { return nil }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
        if let failure = createFolders(String(path[..<slash])) { return failure }
    }
    return createFolder(path)
}

/// Creates a folder in one that is there, for the owner only, and makes its name durable. Returns an errno, or nil.
func createFolder(_ path: String) -> Int32? {
    if isFolder(path) { return nil }
    // Another process may be creating the same folder.
    if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { return errno }
    guard isFolder(path) else { return ENOTDIR }
    return syncFolder(path + "/..")
}

/// Makes the names in a folder durable. Returns an errno, or nil.
func syncFolder(_ path: String) -> Int32? {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    // Some file systems do not sync folders, and say EINVAL: their names are durable by themselves, or never.
    return fsync(descriptor) == 0 || errno == EINVAL ? nil : errno
}

/// The first byte of a file, nil when it is empty or missing; or an errno.
func firstByte(of path: String) -> (byte: UInt8?, failure: Int32?) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return (nil, errno == ENOENT ? nil : errno) }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    let count = unsafe pread(descriptor, &byte, 1, 0)
    return count < 0 ? (nil, errno) : (count == 0 ? nil : byte, nil)
}

private func isFolder(_ path: String) -> Bool {
    var found = stat()
    return unsafe stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
}
