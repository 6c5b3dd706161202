// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct CheckpointTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    @Test func `a log over 1 MiB is emptied by the release and stays the same file`() throws {
        var leased = try root.lease()
        let created = try attribute(.size, of: "")
        let kept = try appendUntilLong(&leased)
        let inode = try attribute(.systemFileNumber, of: "-wal")
        #expect(try attribute(.size, of: "") == created, "nothing is copied before the release")
        try leased.release()
        #expect(try attribute(.size, of: "-wal") == 0)
        #expect(try attribute(.systemFileNumber, of: "-wal") == inode)
        #expect(try attribute(.size, of: "") > LeasedSession.checkpointThreshold / 2)
        var again = try root.lease()
        #expect(try again.entries() == kept)
        try again.append(turn(99))
        try again.release()
        let last = try root.lease()
        #expect(try last.entries() == kept + turn(99))
        try last.release()
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    @Test func `a session whose log is lost keeps its identity`() throws {
        let leased = try root.lease()
        let identity = leased.identity
        try leased.release()
        try Data().write(to: URL(filePath: root.database() + "-wal"))
        let again = try root.lease()
        #expect(again.identity == identity)
        try again.release()
    }

    @Test func `a database that was emptied beside its log is reported, and the log kept`() throws {
        try root.fill()
        let log = try Data(contentsOf: URL(filePath: root.database() + "-wal"))
        try Data().write(to: URL(filePath: root.database()))
        let error = #expect(throws: SessionStoreError.self) { _ = try root.lease().identity }
        #expect(error?.code == .damaged)
        #expect(try Data(contentsOf: URL(filePath: root.database() + "-wal")) == log)
    }

    @Test func `what was read can be made sure of`() throws {
        try root.fill()
        var leased = try root.lease()
        let entries = try leased.entries()
        let size = try attribute(.size, of: "-wal")
        try leased.confirm()
        #expect(try attribute(.size, of: "-wal") > size)
        try leased.confirm()
        #expect(try leased.entries() == entries)
        try leased.release()
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    @Test func `a shorter log is left alone`() throws {
        try root.fill()
        let size = try attribute(.size, of: "-wal")
        #expect(size > 0)
        try root.lease().release()
        #expect(try attribute(.size, of: "-wal") == size)
    }

    @Test func `a lease that is dropped leaves its log to the next one`() throws {
        var kept: [Entry] = []
        do {
            var leased = try root.lease()
            kept = try appendUntilLong(&leased)
        }
        #expect(try attribute(.size, of: "-wal") > LeasedSession.checkpointThreshold)
        let again = try root.lease()
        #expect(try again.entries() == kept)
        try again.release()
        #expect(try attribute(.size, of: "-wal") == 0)
        let last = try root.lease()
        #expect(try last.entries() == kept)
        try last.release()
    }

    private func appendUntilLong(_ leased: inout LeasedSession) throws -> [Entry] {
        var kept: [Entry] = []
        while try leased.logSize() <= LeasedSession.checkpointThreshold {
            let next = turn(kept.count / 2 + 1, text: String(repeating: "x", count: 300_000))
            try leased.append(next)
            kept += next
        }
        return kept
    }

    private func attribute(_ key: FileAttributeKey, of suffix: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: root.database() + suffix)
        return try #require(attributes[key] as? Int)
    }
}
