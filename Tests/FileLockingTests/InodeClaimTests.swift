// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct InodeClaimTests {
    let folder: TemporaryFolder
    let bytes: Range<Int64> = 0x4000_0000..<0x4000_0200

    init() throws { folder = try TemporaryFolder() }

    @Test func `a second claim in the process is refused up to the release`() throws {
        let first = try OpenFile(path: folder.path("s.db"))
        let second = try OpenFile(path: folder.path("s.db"))
        let claim = try InodeClaim(first)
        #expect(claim.identity == second.identity)
        let error = #expect(throws: FileLockError.self) { _ = try InodeClaim(second) }
        #expect(error?.code == .claimedHere)
        #expect(error?.isRetryable == true)
        try claim.release()
        try InodeClaim(second).release()
    }

    @Test func `a hard link is the same inode`() throws {
        let file = try OpenFile(path: folder.path("a"))
        try FileManager.default.linkItem(atPath: folder.path("a"), toPath: folder.path("b"))
        let linked = try OpenFile(path: folder.path("b"))
        let claim = try InodeClaim(file)
        #expect(throws: FileLockError.self) { _ = try InodeClaim(linked) }
        try claim.release()
    }

    @Test func `leaving the scope gives the claim back`() throws {
        let file = try OpenFile(path: folder.path("s.db"))
        do { _ = try InodeClaim(file) }
        try InodeClaim(file).release()
    }

    @Test func `closing another descriptor of a claimed inode leaves the lock in place`() throws {
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        let other = try OtherProcess(opening: path)
        let claim = try InodeClaim(file)
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        let late = try OpenFile(path: path)
        let (descriptor, inode) = (late.descriptor, late.identity.inode)
        try late.close()
        #expect(OpenFileTests.isOpen(descriptor, inode: inode))
        #expect(try !other.locks(bytes))
        try lock.release()
        #expect(try other.locks(bytes))
        try claim.release()
        #expect(!OpenFileTests.isOpen(descriptor, inode: inode))
        try file.close()
    }

    @Test func `a foreign close drops the lock`() throws {
        // The trap that claims and put-off closes exist for. If this test fails, the locks are not POSIX record locks.
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        let other = try OtherProcess(opening: path)
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).close()
        #expect(try other.locks(bytes))
        try lock.release()
    }

    @Test func `a file closed under its lock stays locked up to the release`() throws {
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        let other = try OtherProcess(opening: path)
        let (descriptor, inode) = (file.descriptor, file.identity.inode)
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        try file.close()
        try OpenFile(path: path).close()
        #expect(OpenFileTests.isOpen(descriptor, inode: inode))
        #expect(try !other.locks(bytes))
        try lock.release()
        #expect(!OpenFileTests.isOpen(descriptor, inode: inode))
        #expect(try other.locks(bytes))
    }

    @Test func `a claim that is given back before its lock lasts as long as the lock`() throws {
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        let claim = try InodeClaim(file)
        let lock = try FileLock.acquire(on: file, bytes: bytes)
        try claim.release()
        let error = #expect(throws: FileLockError.self) { _ = try InodeClaim(file) }
        #expect(error?.code == .claimedHere)
        try lock.release()
        try InodeClaim(file).release()
    }

    @Test func `a refused lock leaves no trace`() throws {
        let path = folder.path("s.db")
        let file = try OpenFile(path: path)
        let other = try OtherProcess(opening: path)
        #expect(try other.locks(bytes))
        do {
            let claim = try InodeClaim(file)
            #expect(throws: FileLockError.self) { _ = try FileLock.acquire(on: file, bytes: bytes) }
            try claim.release()
        }
        let (descriptor, inode) = (file.descriptor, file.identity.inode)
        try file.close()
        #expect(!OpenFileTests.isOpen(descriptor, inode: inode))
    }

    @Test func `many threads hold a claim one at a time`() async throws {
        let path = folder.path("s.db")
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<2_000 {
                        let file = try OpenFile(path: path)
                        guard let claim = try? InodeClaim(file) else { continue }
                        #expect(tally.holders.add(1, ordering: .relaxed).newValue == 1)
                        let lock = try FileLock.acquire(on: file, bytes: 0..<1)
                        try lock.release()
                        tally.holders.subtract(1, ordering: .relaxed)
                        tally.claims.add(1, ordering: .relaxed)
                        try claim.release()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(tally.claims.load(ordering: .relaxed) > 0)
        let file = try OpenFile(path: path)
        try InodeClaim(file).release()
    }

    private final class Tally: Sendable {
        let holders = Atomic(0)
        let claims = Atomic(0)
    }
}
