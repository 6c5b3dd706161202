// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(2)), .enabled(if: ProcessState.isReadable))
struct ExclusionTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    // MARK: - One process

    @Test func `a second lease in this process is refused, and granted after the release`() throws {
        let first = try root.lease()
        let refused = try #require(errorOf { try root.lease() })
        #expect(refused.code == .busy)
        #expect(refused.isRetryable)
        #expect(refused.retryAfter == .seconds(1))
        // The refused one has closed its files: that must not have cost the first one its locks.
        #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
        #expect(try !ProcessState.isFree(root.database() + "-wal", ProcessState.logBytes))
        let other = try root.lease("other")
        try other.release()
        try first.release()
        #expect(errorOf { try root.lease() } == nil)
    }

    @Test func `a lease waits for another one in this process, without opening anything meanwhile`() async throws {
        let first = try root.lease()
        async let second: Void = onThread { [root] in
            var leased = try root.lease(waiting: .seconds(60))
            try leased.append(turn(1))
            try leased.release()
        }
        let limit = ContinuousClock.now.advanced(by: .seconds(2))
        var most = 0
        while ContinuousClock.now < limit {
            most = max(most, try ProcessState.descriptors(below: root.store.root).count)
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try first.entries().isEmpty)
        // Ours, SQLite's, and one that is just being looked at.
        #expect(most <= 5, "\(most) descriptors")
        try first.release()
        try await second
        let third = try root.lease()
        #expect(try third.entries() == turn(1))
        try third.release()
        #expect(try root.openFiles().isEmpty)
    }

    @Test func `a lease right after another one holds the lock of the system`() throws {
        for _ in 0..<10 {
            try root.lease().release()
            let next = try root.lease()
            #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
            #expect(try !ProcessState.isFree(root.database() + "-wal", ProcessState.logBytes))
            try next.release()
            do { _ = try root.lease() }
            let afterDrop = try root.lease()
            #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
            #expect(try !ProcessState.isFree(root.database() + "-wal", ProcessState.logBytes))
            try afterDrop.release()
        }
    }

    @Test func `four threads on one session lose and double nothing`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    try await onThread { [root] in
                        for round in 0..<15 {
                            var leased = try root.lease(waiting: .seconds(60))
                            let next = try leased.summary().turns + 1
                            guard try ProcessState.locks(on: root.database()).count == 1 else { throw Unlocked() }
                            try leased.append(turn(next, request: "\(thread)/\(round)"))
                            guard try ProcessState.locks(on: root.database()).count == 1 else { throw Unlocked() }
                            if round % 3 > 0 { try leased.release() }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let leased = try root.lease()
        let turns = try leased.entries().map(\.turn)
        #expect(turns == (1...60).flatMap { [$0, $0] })
        try leased.release()
        #expect(try root.openFiles().isEmpty)
    }

    struct Unlocked: Error {}

    // MARK: - Two processes

    @Test(arguments: ["s.db", "s.db-wal"])
    func `a lock of another process on either file is busy`(_ file: String) throws {
        try root.fill()
        let bytes = file == "s.db" ? ProcessState.databaseBytes : ProcessState.logBytes
        let holder = try Child.locking(root.folder() + "/" + file, bytes)
        #expect(try holder.line() == "locked")
        let refused = try #require(errorOf { try root.lease() })
        #expect(refused.code == .busy && refused.isRetryable && refused.retryAfter == .seconds(1))
        #expect(try root.openFiles().isEmpty)
        #expect(try ProcessState.locks(on: root.database()).isEmpty)
        try holder.endInput()
        #expect(holder.wait() == 0)
        #expect(errorOf { try root.lease() } == nil)
    }

    @Test func `a lease of another process is busy, and waited for`() async throws {
        let holder = try Child.writer("hold", root.path, "s")
        #expect(try holder.line() == "leased")
        #expect(errorOf { try root.lease() }?.code == .busy)
        let started = ContinuousClock.now
        #expect(errorOf { try root.lease(waiting: .milliseconds(400)) }?.code == .busy)
        #expect(started.duration(to: .now) < .seconds(30))
        async let waiting: Int = onThread { [root] in
            let leased = try root.lease(waiting: .seconds(60))
            let count = try leased.entries().count
            try leased.release()
            return count
        }
        try holder.endInput()
        #expect(try holder.line() == "released")
        #expect(try await waiting == 0)
    }

    @Test func `a killed process leaves nothing to wait for`() throws {
        let holder = try Child.writer("hold", root.path, "s")
        #expect(try holder.line() == "leased")
        #expect(errorOf { try root.lease() }?.code == .busy)
        holder.kill()
        #expect(holder.wait() == SIGKILL)
        #expect(errorOf { try root.lease() } == nil)
    }

    @Test func `the stock shell in a transaction is busy`() throws {
        try root.fill()
        let holder = try Child.sqlite3(root.database(), "BEGIN IMMEDIATE; SELECT 'in';")
        #expect(try holder.line() == "in")
        #expect(errorOf { try root.lease() }?.code == .busy)
        try holder.endInput()
        _ = holder.wait()
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        try leased.release()
    }
}
