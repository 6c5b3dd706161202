// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)), .enabled(if: ProcessState.isReadable))
struct FileLayoutTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    @Test func `a session is two files in a folder of its own`() throws {
        try root.fill()
        // The shard is the beginning of the SHA-256 of "s".
        #expect(try root.folder() == root.store.root + "/agent/04/s")
        #expect(try files() == ["s.db", "s.db-wal"])
        var leased = try root.lease()
        try leased.append(turn(2))
        #expect(try files() == ["s.db", "s.db-wal"], "no shared memory and no journal while leased")
        try leased.release()
        #expect(try files() == ["s.db", "s.db-wal"])
    }

    @Test func `nobody but the owner may read or enter`() throws {
        try root.fill()
        var path = try root.folder()
        #expect(try permissions(path + "/s.db") == 0o600)
        #expect(try permissions(path + "/s.db-wal") == 0o600)
        while path.hasPrefix(root.store.root) {
            #expect(try permissions(path) == 0o700, "\(path)")
            path = (path as NSString).deletingLastPathComponent
        }
    }

    @Test func `the header says what the file is`() throws {
        try root.fill()
        let expected = ["application_id": 0x5045_5244, "user_version": 1, "page_size": 2048]
        for (pragma, value) in expected {
            #expect(try sqlite3(root.database(), "PRAGMA \(pragma)") == "\(value)")
        }
        #expect(try sqlite3(root.database(), "PRAGMA journal_mode") == "wal")
    }

    @Test func `the connection works as the design says`() throws {
        let leased = try root.lease()
        for (pragma, value) in ["locking_mode": "exclusive", "journal_mode": "wal"] {
            let found = try leased.connection.query("PRAGMA \(pragma)") { row throws(SQLiteError) in try row.text(0) }
            #expect(found == [value], "\(pragma)")
        }
        let numbers: [String: Int64] = [
            "synchronous": 2, "wal_autocheckpoint": 0, "page_size": 2048, "trusted_schema": 0, "foreign_keys": 0,
        ]
        for (pragma, value) in numbers {
            let found = try leased.connection.query("PRAGMA \(pragma)") { row throws(SQLiteError) in try row.int(0) }
            #expect(found == [value], "\(pragma)")
        }
        try leased.release()
    }

    @Test func `a lease holds both locks, and leaves neither a lock nor a descriptor`() throws {
        var leased = try root.lease()
        try expectHeld()
        try leased.append(turn(1))
        try expectHeld()
        _ = try leased.entries()
        try expectHeld()
        try leased.release()
        try expectNothingHeld()
    }

    @Test func `a lease that is dropped leaves nothing either`() throws {
        do {
            let leased = try root.lease()
            _ = try leased.entries()
        }
        try expectNothingHeld()
        do {
            var leased = try root.lease()
            try leased.append(turn(1))
        }
        try expectNothingHeld()
        let next = try root.lease()
        #expect(try next.entries() == turn(1))
        try expectHeld()
        try next.release()
        try expectNothingHeld()
    }

    @Test func `a dead lease leaves nothing either`() throws {
        try root.fill()
        var leased = try root.lease()
        #expect(throws: SessionStoreError.self) { try leased.append(turn(1)) }
        try leased.release()
        try expectNothingHeld()
    }

    @Test func `the stock shell is kept out while leased, and welcome afterwards`() throws {
        var leased = try root.lease()
        try leased.append(turn(1))
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log").contains("database is locked"))
        #expect(try sqlite3(root.database(), "DELETE FROM log").contains("database is locked"))
        try leased.append(turn(2))
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log; PRAGMA integrity_check") == "4\nok")
        // It checkpointed and removed the log.
        #expect(try files() == ["s.db"])
        let again = try root.lease()
        #expect(try again.entries() == turn(1) + turn(2))
        try expectHeld()
        try again.release()
    }

    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.folder()).sorted()
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func expectHeld(_ location: SourceLocation = #_sourceLocation) throws {
        let database = try root.database()
        #expect(try ProcessState.locks(on: database) == [ProcessState.databaseBytes], sourceLocation: location)
        #expect(try ProcessState.locks(on: database + "-wal") == [ProcessState.logBytes], sourceLocation: location)
    }

    private func expectNothingHeld(_ location: SourceLocation = #_sourceLocation) throws {
        let database = try root.database()
        #expect(try ProcessState.locks(on: database).isEmpty, sourceLocation: location)
        #expect(try ProcessState.locks(on: database + "-wal").isEmpty, sourceLocation: location)
        #expect(try root.openFiles().isEmpty, sourceLocation: location)
    }
}
