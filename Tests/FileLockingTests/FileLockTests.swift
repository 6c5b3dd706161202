// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileLockTests {
    let folder: TemporaryFolder
    /// SQLite's lock bytes: beyond the end of the file, and beyond 2^30.
    let bytes: Range<Int64> = 0x4000_0000..<0x4000_0200

    init() throws { folder = try TemporaryFolder() }

    @Test func `another process is refused up to the release`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        #expect(try !other.locks(bytes))
        #expect(try !other.locks(bytes, as: "read"))
        try lock.release()
        #expect(try other.locks(bytes))
        try file.close()
    }

    @Test func `a lock held elsewhere is refused with the holder's process`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        #expect(try other.locks(bytes))
        let error = try #require(throws: FileLockError.self) {
            _ = try FileLock.acquire(on: file, bytes: bytes)
        }
        #expect(error.code == .heldElsewhere)
        #expect(error.holder == other.pid)
        #expect(error.isRetryable)
        #expect("\(error)".contains("heldElsewhere") && "\(error)".contains("\(other.pid)"))
        #expect(try FileLock.holder(on: file, bytes: bytes) == other.pid)
        #expect(try other.unlocks(bytes))
        #expect(try FileLock.holder(on: file, bytes: bytes) == nil)
        try FileLock.acquire(on: file, bytes: bytes).release()
    }

    @Test func `a caller that polls is not told the holder`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        #expect(try other.locks(bytes))
        let error = try #require(throws: FileLockError.self) {
            _ = try FileLock.acquire(on: file, bytes: bytes, namesHolder: false)
        }
        #expect(error.code == .heldElsewhere)
        #expect(error.holder == nil)
    }

    @Test func `shared locks go together and keep a writer out`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        let lock = try FileLock.acquire(on: file, bytes: bytes, mode: .shared)
        #expect(try other.locks(bytes, as: "read"))
        #expect(try !other.locks(bytes, as: "write"))
        try lock.release()
        #expect(try other.locks(bytes, as: "write"))
    }

    @Test func `locks on disjoint bytes do not conflict`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        let lock = try FileLock.acquire(on: file, bytes: 0..<1)
        #expect(try other.locks(1..<2))
        #expect(try !other.locks(0..<1))
        try lock.release()
    }

    @Test func `leaving the scope unlocks`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let other = try OtherProcess(opening: file.path)
        do {
            let lock = try FileLock.acquire(on: file, bytes: bytes)
            #expect(lock.mode == .exclusive)
            #expect(try !other.locks(bytes))
        }
        #expect(try other.locks(bytes))
    }

    @Test func `an empty range is refused instead of locking everything`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let error = #expect(throws: FileLockError.self) { _ = try FileLock.acquire(on: file, bytes: 5..<5) }
        #expect(error?.code == .ioError)
        #expect(error?.errno == EINVAL)
    }

    @Test func `bytes before the file are refused`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        for range: Range<Int64> in [-1..<1, Int64.min..<Int64.max] {
            let error = #expect(throws: FileLockError.self) { _ = try FileLock.acquire(on: file, bytes: range) }
            #expect(error?.errno == EINVAL || error?.errno == EOVERFLOW)
        }
    }

    #if os(Linux)
    @Test func `the kernel lists the lock while it is held and not after`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        let inode = file.identity.inode
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        #expect(try Self.kernelLocks(on: inode) == 1)
        try lock.release()
        #expect(try Self.kernelLocks(on: inode) == 0)
    }

    /// How many entries of /proc/locks are of this process and on this inode.
    static func kernelLocks(on inode: UInt64) throws -> Int {
        try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n").count { line in
            // 1: POSIX  ADVISORY  WRITE 4711 08:01:1234 1073741824 1073742335
            let fields = line.split(separator: " ")
            return fields.count > 5 && fields[4] == "\(getpid())" && fields[5].hasSuffix(":\(inode)")
        }
    }
    #endif
}
