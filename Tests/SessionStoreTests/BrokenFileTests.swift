// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

/// What may lie where a session's files should be.
@Suite(.timeLimit(.minutes(1)), .enabled(if: ProcessState.isReadable))
struct BrokenFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let code: SessionStoreError.Code
        /// Breaks the session in this folder; it has one turn, all of it in the database.
        let damage: @Sendable (_ folder: String, _ root: TemporaryRoot) throws -> Void
        var testDescription: String { name }
    }

    @Test(arguments: foreign + damaged)
    func `a broken session is a clear error, and is left alone`(_ item: Case) throws {
        let root = try TemporaryRoot()
        try root.fill()
        let folder = try root.folder()
        #expect(try sqlite3(folder + "/s.db", "SELECT count(*) FROM log") == "2")
        try item.damage(folder, root)
        let before = FileManager.default.contents(atPath: folder + "/s.db")
        for _ in 0..<2 {
            let error = try #require(errorOf { try root.lease(waiting: .seconds(5)) })
            #expect(error.code == item.code, "\(error)")
            #expect(!error.isRetryable)
            #expect(FileManager.default.contents(atPath: folder + "/s.db") == before)
            #expect(try root.openFiles().isEmpty)
            #expect(try ProcessState.locks(on: folder + "/s.db").isEmpty)
            #expect(try ProcessState.locks(on: folder + "/s.db-wal").isEmpty)
        }
        // A repaired session in its place is leased, and the locks are real.
        try FileManager.default.removeItem(atPath: folder)
        try root.fill()
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        #expect(try !ProcessState.isFree(folder + "/s.db", ProcessState.databaseBytes))
        #expect(try !ProcessState.isFree(folder + "/s.db-wal", ProcessState.logBytes))
        try leased.release()
    }

    private static let foreign = [
        Case(name: "another program's database", code: .foreignFile) { folder, _ in
            try replace(folder) { _ = try sqlite3($0, "CREATE TABLE t (v); INSERT INTO t VALUES (1)") }
        },
        Case(name: "another program's database with a log", code: .foreignFile) { folder, _ in
            try replace(folder) { _ = try sqlite3($0, "PRAGMA journal_mode=WAL; CREATE TABLE t (v)") }
        },
        Case(name: "a database with another application id", code: .foreignFile) { folder, _ in
            _ = try sqlite3(folder + "/s.db", "PRAGMA application_id = 7")
        },
        Case(name: "a newer schema", code: .newerSchema) { folder, _ in
            _ = try sqlite3(folder + "/s.db", "PRAGMA journal_mode=DELETE; PRAGMA user_version = 2")
        },
        Case(name: "another session's file", code: .foreignFile) { folder, root in
            try root.fill("other")
            try FileManager.default.removeItem(atPath: folder)
            try FileManager.default.copyItem(atPath: root.folder("other"), toPath: folder)
        },
        Case(name: "a text", code: .foreignFile) { folder, _ in
            try replace(folder) { try Data("no database\n".utf8).write(to: URL(fileURLWithPath: $0)) }
        },
        Case(name: "a text that begins like a database", code: .foreignFile) { folder, _ in
            try replace(folder) { try Data("SQLite format 3 is\n".utf8).write(to: URL(fileURLWithPath: $0)) }
        },
        Case(name: "pages of noise", code: .foreignFile) { folder, _ in
            try replace(folder) { try Data(repeating: 0xA5, count: 65_536).write(to: URL(fileURLWithPath: $0)) }
        },
        Case(name: "a link", code: .foreignFile) { folder, root in
            try FileManager.default.moveItem(atPath: folder + "/s.db", toPath: root.path + "/elsewhere.db")
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/s.db", withDestinationPath: root.path + "/elsewhere.db")
        },
        Case(name: "a folder", code: .foreignFile) { folder, _ in
            try replace(folder) {
                try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: true)
            }
        },
        Case(name: "a pipe", code: .foreignFile) { folder, _ in try replace(folder) { _ = mkfifo($0, 0o600) } },
        Case(name: "a link for a log", code: .foreignFile) { folder, root in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/s.db-wal", withDestinationPath: root.path + "/elsewhere")
        },
        Case(name: "a folder for a log", code: .foreignFile) { folder, _ in
            try FileManager.default.createDirectory(atPath: folder + "/s.db-wal", withIntermediateDirectories: true)
        },
    ]

    private static let damaged = [
        Case(name: "a header of zeros", code: .foreignFile) { folder, _ in
            try overwrite(folder + "/s.db", at: 0, with: Data(count: 100))
        },
        Case(name: "a page of noise", code: .damaged) { folder, _ in
            let page = try sqlite3(folder + "/s.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'meta'")
            let offset = try #require(UInt64(page)) * 2048 - 2048
            try overwrite(folder + "/s.db", at: offset, with: Data(repeating: 0xA5, count: 2048))
        },
        Case(name: "a database cut to its first page", code: .damaged) { folder, _ in
            #expect(truncate(folder + "/s.db", 2048) == 0)
        },
        Case(name: "a table that is missing", code: .damaged) { folder, _ in
            _ = try sqlite3(folder + "/s.db", "DROP TABLE meta")
        },
        Case(name: "a column that is missing", code: .damaged) { folder, _ in
            _ = try sqlite3(folder + "/s.db", "ALTER TABLE meta DROP COLUMN created")
        },
        Case(name: "a row that is missing", code: .damaged) { folder, _ in
            _ = try sqlite3(folder + "/s.db", "DELETE FROM meta")
        },
    ]

    private static func replace(_ folder: String, _ create: (String) throws -> Void) throws {
        try FileManager.default.removeItem(atPath: folder + "/s.db")
        try create(folder + "/s.db")
    }

    private static func overwrite(_ path: String, at offset: UInt64, with bytes: Data) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: bytes)
        try file.close()
    }

    // MARK: - What a reader finds

    @Test(arguments: [
        "UPDATE log SET body = '{' WHERE seq = 2", "UPDATE log SET body = '{}' WHERE seq = 2",
        "UPDATE log SET kind = 'later' WHERE seq = 2", "UPDATE log SET call = '1' WHERE seq = 2",
        "UPDATE log SET kind = 'result' WHERE seq = 2",
    ])
    func `an entry that is none is damage`(_ sql: String) throws {
        let root = try TemporaryRoot()
        try root.fill()
        #expect(try sqlite3(root.database(), sql) == "")
        let leased = try root.lease()
        do {
            _ = try leased.entries()
            Issue.record("it was read")
        } catch {
            #expect(error.code == .damaged)
            #expect("\(error)".contains("entry 2"))
        }
        try leased.release()
    }

    @Test(arguments: ["'{'", "'{}'", "'{\"status\":\"later\"}'"])
    func `an outcome that is none is damage`(_ outcome: String) throws {
        let root = try TemporaryRoot()
        try root.fill()
        #expect(try sqlite3(root.database(), "UPDATE log SET outcome = \(outcome) WHERE seq = 2") == "")
        let leased = try root.lease()
        do {
            _ = try leased.request("r1")
            Issue.record("it was read")
        } catch {
            #expect(error.code == .damaged)
        }
        try leased.release()
    }
}
