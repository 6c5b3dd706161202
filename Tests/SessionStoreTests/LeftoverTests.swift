// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

/// What crashes and other programs leave behind, and what does no harm.
@Suite(.timeLimit(.minutes(1)), .enabled(if: ProcessState.isReadable))
struct LeftoverTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let prepare: @Sendable (_ folder: String) throws -> Void
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "an empty folder") { _ in },
        Case(name: "an empty database") { try write(Data(), to: $0 + "/s.db") },
        Case(name: "an empty database and an empty log") {
            try write(Data(), to: $0 + "/s.db")
            try write(Data(), to: $0 + "/s.db-wal")
        },
        Case(name: "an empty database and a log of noise") {
            try write(Data(), to: $0 + "/s.db")
            try write(Data(repeating: 0xA5, count: 50_000), to: $0 + "/s.db-wal")
        },
        Case(name: "an empty database and a journal of noise") {
            try write(Data(), to: $0 + "/s.db")
            try write(Data(repeating: 0xA5, count: 5_000), to: $0 + "/s.db-journal")
        },
        Case(name: "a log without a database") {
            try write(Data(repeating: 0xA5, count: 50_000), to: $0 + "/s.db-wal")
        },
        Case(name: "a first page of zeros") { try write(Data(count: 2048), to: $0 + "/s.db") },
        Case(name: "a sector of zeros and a log of noise") {
            try write(Data(count: 512), to: $0 + "/s.db")
            try write(Data(repeating: 0xA5, count: 50_000), to: $0 + "/s.db-wal")
        },
        Case(name: "a first page that was not written to its end") { folder in
            _ = try sqlite3(folder + "/s.db", "PRAGMA page_size=2048; PRAGMA journal_mode=WAL")
            #expect(truncate(folder + "/s.db", 512) == 0)
        },
        Case(name: "one byte of a first page") { try write(Data("S".utf8), to: $0 + "/s.db") },
        Case(name: "a first page that was cut off in its header, and an empty log") { folder in
            _ = try sqlite3(folder + "/s.db", "PRAGMA page_size=4096; PRAGMA journal_mode=WAL")
            #expect(truncate(folder + "/s.db", 33) == 0)
            try write(Data(), to: folder + "/s.db-wal")
        },
        Case(name: "a first page and nothing else") { folder in
            _ = try sqlite3(folder + "/s.db", "PRAGMA page_size=2048; PRAGMA journal_mode=WAL")
        },
        Case(name: "a creation that was cut off, with its journal") { folder in
            // The shell copies its own files in the middle of the transaction that creates them.
            let shell = try Child.sqlite3(
                folder + "/t.db",
                """
                PRAGMA page_size=2048; PRAGMA cache_size=1; BEGIN; CREATE TABLE t (v);
                INSERT INTO t VALUES (zeroblob(200000)), (zeroblob(200000));
                .shell cp '\(folder)/t.db' '\(folder)/s.db'; cp '\(folder)/t.db-journal' '\(folder)/s.db-journal'
                SELECT 'copied';
                """)
            #expect(try shell.line() == "copied")
            shell.kill()
            _ = shell.wait()
            let size = try FileManager.default.attributesOfItem(atPath: folder + "/s.db")[.size] as? Int
            #expect(size ?? 0 > 0)
            try FileManager.default.removeItem(atPath: folder + "/t.db")
            try FileManager.default.removeItem(atPath: folder + "/t.db-journal")
        },
        Case(name: "shared memory of another program") {
            try write(Data(repeating: 0xA5, count: 32_768), to: $0 + "/s.db-shm")
        },
    ])
    func `a session is created over what a creation may leave`(_ item: Case) throws {
        let folder = try root.makeFolder()
        try item.prepare(folder)
        var leased = try root.lease(waiting: .seconds(10))
        #expect(try leased.entries().isEmpty)
        try leased.append(turn(1))
        #expect(try !ProcessState.isFree(folder + "/s.db", ProcessState.databaseBytes))
        #expect(try !ProcessState.isFree(folder + "/s.db-wal", ProcessState.logBytes))
        try leased.release()
        let again = try root.lease()
        #expect(try again.entries() == turn(1))
        try again.release()
        #expect(try root.openFiles().isEmpty)
        #expect(try sqlite3(folder + "/s.db", "SELECT count(*) FROM log; PRAGMA integrity_check") == "2\nok")
    }

    @Test(arguments: [1, 23, 24, 25, 2047, 2048, 2072, 4120, 40_000])
    func `noise behind the log is passed over, and written over`(_ count: Int) throws {
        try fillThreeTurns()
        let log = try root.database() + "-wal"
        let file = try #require(FileHandle(forWritingAtPath: log))
        try file.seekToEnd()
        try file.write(contentsOf: Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73) }))
        try file.close()
        var leased = try root.lease()
        #expect(try leased.entries() == turn(1) + turn(2) + turn(3))
        try leased.append(turn(4))
        try leased.release()
        let again = try root.lease()
        #expect(try again.entries() == (1...4).flatMap { turn($0) })
        try again.release()
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    /// What was cut off is gone: SQLite's log cannot tell a commit that was lost from one that never was.
    @Test func `a log that is cut anywhere ends with a whole commit`() throws {
        try fillThreeTurns()
        let database = try root.database()
        let whole = try #require(FileManager.default.contents(atPath: database + "-wal"))
        let first = try #require(FileManager.default.contents(atPath: database))
        var counts: [Int] = []
        for size in stride(from: whole.count, through: 0, by: -9_973) {
            try write(first, to: database)
            try write(whole.prefix(size), to: database + "-wal")
            var leased = try root.lease()
            let entries = try leased.entries()
            #expect(entries == (1...3).flatMap { turn($0) }.prefix(entries.count).map { $0 })
            #expect(entries.count.isMultiple(of: 2))
            counts.append(entries.count)
            try leased.append(turn(9, request: "new"))
            try leased.release()
            let again = try root.lease()
            #expect(try again.entries() == entries + turn(9, request: "new"))
            try again.release()
            #expect(try sqlite3(database, "PRAGMA integrity_check") == "ok")
        }
        #expect(counts == counts.sorted(by: >) && counts.first == 6 && counts.last == 0)
    }

    @Test func `a shell that was killed in the middle leaves a session that opens`() throws {
        try root.fill()
        let shell = try Child.sqlite3(root.database(), "BEGIN; DELETE FROM log; SELECT 'in';")
        #expect(try shell.line() == "in")
        shell.kill()
        _ = shell.wait()
        var leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        try leased.append(turn(2))
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log; PRAGMA integrity_check") == "4\nok")
    }

    @Test func `a session that is deleted and created anew under its holder has one holder after the release`() throws {
        try root.fill()
        let leased = try root.lease()
        try FileManager.default.removeItem(atPath: root.folder())
        #expect(errorOf { try root.lease() }?.code == .busy)
        let other = try Child.writer("append", root.path, "s", "w", "1")
        #expect(try other.lines() == ["0"])
        #expect(other.wait() == 0)
        try leased.release()
        let again = try root.lease()
        #expect(try again.entries().count == 2)
        #expect(try again.request("w/0") != nil)
        #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
        try again.release()
        #expect(try root.openFiles().isEmpty)
    }

    private func fillThreeTurns() throws {
        var leased = try root.lease()
        for number in 1...3 { try leased.append(turn(number)) }
        try leased.release()
    }
}
