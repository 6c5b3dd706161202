// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

/// Needs the right to mount; elsewhere there is no way to fill a file system or to make one read-only for root.
@Suite(.timeLimit(.minutes(2)), .enabled("this process may not mount") { Mount.isPermitted })
struct MountedTests {
    @Test func `a read-only file system is a clear error`() throws {
        let mount = try Mount(size: "4m")
        let store = try SessionStore(root: mount.path)
        try append(turn(1), to: store)
        // No file may be open for writing.
        store.closeWarmSessions()
        try mount.makeReadOnly()
        do {
            _ = try SessionStore(root: mount.path)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .readOnly && !error.isRetryable)
        }
        for session in ["s", "new"] {
            let error = try #require(errorOf { try lease(store, session) })
            #expect(error.code == .readOnly && !error.isRetryable)
        }
        #expect(try ProcessState.descriptors(below: mount.path).isEmpty)
    }

    @Test func `a full file system loses nothing that was acknowledged, and the session goes on when there is room`()
        throws
    {
        let mount = try Mount(size: "6m")
        let store = try SessionStore(root: mount.path)
        try append(turn(1), to: store)
        try mount.fill(leaving: 1 << 20)
        var kept = turn(1)
        for round in 1...3 {
            var leased = try lease(store)
            #expect(try leased.entries() == kept)
            var failure: SessionStoreError?
            while failure == nil {
                let next = turn(kept.count / 2 + 1, text: String(repeating: "x", count: 100_000))
                do {
                    try leased.append(next)
                    kept += next
                } catch {
                    failure = error
                }
            }
            #expect(failure?.code == .full && failure?.isRetryable == false, "round \(round): \(failure as Any)")
            #expect(throws: SessionStoreError.self) { try leased.append(turn(99)) }
            try leased.release()
            #expect(try ProcessState.descriptors(below: mount.path).isEmpty)
        }
        #expect(kept.count > 4)
        try mount.makeRoom()
        try append(turn(kept.count / 2 + 1), to: store)
        kept += turn(kept.count / 2 + 1)
        let leased = try lease(store)
        #expect(try leased.entries() == kept)
        try leased.release()
        #expect(try sqlite3(store.root + "/agent/04/s/s.db", "PRAGMA integrity_check") == "ok")
    }

    @Test(arguments: [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 112, 128, 160, 256])
    func `a session whose creation finds no room is created when there is`(_ free: Int) throws {
        let mount = try Mount(size: "2m")
        let store = try SessionStore(root: mount.path)
        try mount.fill(leaving: free << 10)
        for _ in 0..<2 {
            let error = errorOf { try lease(store) }
            #expect(error == nil || error?.code == .full, "\(error as Any)")
            if free == 0 { #expect(error?.code == .full) }
            if free == 256 { #expect(error == nil) }
            #expect(try ProcessState.descriptors(below: mount.path).isEmpty)
        }
        try mount.makeRoom()
        try append(turn(1), to: store)
        let leased = try lease(store)
        #expect(try leased.entries() == turn(1))
        try leased.release()
        #expect(try sqlite3(store.root + "/agent/04/s/s.db", "PRAGMA integrity_check") == "ok")
    }

    @Test func `a checkpoint that finds no room costs nothing but the room`() throws {
        let mount = try Mount(size: "12m")
        let store = try SessionStore(root: mount.path)
        var leased = try lease(store)
        var kept: [Entry] = []
        while try leased.logSize() <= LeasedSession.checkpointThreshold {
            let next = turn(kept.count / 2 + 1, text: String(repeating: "x", count: 300_000))
            try leased.append(next)
            kept += next
        }
        try mount.fill(leaving: 100_000)
        do {
            try leased.release()
            Issue.record("there was room")
        } catch {
            #expect(error.code == .full && error.operation == "checkpoint")
        }
        #expect(try ProcessState.descriptors(below: mount.path).isEmpty)
        let again = try lease(store)
        #expect(try again.entries() == kept)
        #expect(try !ProcessState.isFree(store.root + "/agent/04/s/s.db", ProcessState.databaseBytes))
        try mount.makeRoom()
        try again.release()
        #expect(try sizeOfLog(store) == 0)
        let last = try lease(store)
        #expect(try last.entries() == kept)
        try last.release()
        #expect(try sqlite3(store.root + "/agent/04/s/s.db", "PRAGMA integrity_check") == "ok")
    }

    private func lease(_ store: SessionStore, _ session: String = "s") throws -> LeasedSession {
        try store.lease(SessionID(session), of: AgentName("agent"), attempt: "a", until: .now.advanced(by: .seconds(2)))
    }

    private func append(_ entries: [Entry], to store: SessionStore) throws {
        var leased = try lease(store)
        try leased.append(entries)
        try leased.release()
    }

    private func sizeOfLog(_ store: SessionStore) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: store.root + "/agent/04/s/s.db-wal")
        return attributes[.size] as? Int
    }
}
