// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

/// What a commit on open files costs, and what it leaves.
@Suite(.timeLimit(.minutes(1)))
struct CommitTests {
    let database: OpenDatabase

    init() throws { database = try OpenDatabase() }

    /// The number of writes and syncs of the log that `body` makes.
    func cost(_ body: () throws -> Void) throws -> [Int] {
        let before = [database.files.count(of: .logWrite), database.files.count(of: .logSync)]
        try body()
        return zip([database.files.count(of: .logWrite), database.files.count(of: .logSync)], before).map { $0 - $1 }
    }

    @Test(arguments: [1, 10, 20_000, 100_000, 900_000])
    func `a commit is one write and one sync`(_ count: Int) throws {
        let connection = try database.create()
        for round in 0..<3 {
            let size = try #require(try database.logSize())
            let bytes = database.files.bytes(of: .logWrite)
            let found = try cost {
                try connection.run("INSERT INTO t (v) VALUES (?)", .text(String(repeating: "x", count: count)))
            }
            #expect(found == [1, 1], "the header of the log comes with the first one; round \(round)")
            let grown = try #require(try database.logSize()) - size
            #expect(grown == database.files.bytes(of: .logWrite) - bytes && grown % 16_408 == (round == 0 ? 32 : 0))
        }
        #expect(database.files.count(of: .databaseWrite) == 1 + 2, "creation and its checkpoint")
    }

    @Test func `a log that starts over with frames behind it has its header synced first`() throws {
        let connection = try database.create()
        for _ in 0..<5 { try connection.run("INSERT INTO t (v) VALUES ('old')") }
        try connection.checkpoint(.restart)
        #expect(try cost { try connection.run("INSERT INTO t (v) VALUES ('new')") } == [2, 2])
        #expect(try cost { try connection.run("INSERT INTO t (v) VALUES ('new')") } == [1, 1])
        #expect(try shell("sqlite3", database.path, "SELECT count(*) FROM t").output == "7\n")
    }

    @Test func `a log that was emptied is empty on the disk before it is written again`() throws {
        let connection = try database.create()
        try connection.run("INSERT INTO t (v) VALUES ('old')")
        // One before the frames are copied, one after the file is cut.
        #expect(try cost { try connection.checkpoint(.truncate) } == [0, 2])
        #expect(try database.logSize() == 0)
        #expect(try cost { try connection.run("INSERT INTO t (v) VALUES ('new')") } == [1, 1])
    }

    @Test(arguments: ["NORMAL", "OFF"])
    func `a commit that is not synced gets as far as the operating system`(_ mode: String) throws {
        try database.create().close()
        let connection = try database.connect(synchronous: mode)
        try connection.run("INSERT INTO t (v) VALUES ('there')")
        #expect(try database.logSize() ?? 0 > 32)
        // Not asked of the log by this connection: another reader finds it in the file.
        let copy = database.folder.path("copy.db")
        try FileManager.default.copyItem(atPath: database.path, toPath: copy)
        try FileManager.default.copyItem(atPath: database.path + "-wal", toPath: copy + "-wal")
        #expect(try shell("sqlite3", copy, "SELECT v FROM t; PRAGMA integrity_check").output == "there\nok\n")
    }

    @Test func `a transaction larger than the cache is some writes, and reads what it has not written yet`() throws {
        let connection = try database.create()
        // Ten pages of cache: each further page is spilled to the log, where it is looked up again.
        try connection.execute("PRAGMA cache_size=10")
        let writes = try cost {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                for id in 0..<300 {
                    let value = SQLiteValue.text(String(repeating: "\(id % 10)", count: 12_000))
                    try connection.run("INSERT INTO t VALUES (?, ?)", .integer(Int64(id)), value)
                }
                for id in stride(from: 299, through: 0, by: -7) {
                    try connection.run("UPDATE t SET v = v || '!' WHERE id = ?", .integer(Int64(id)))
                    let found = try number(connection, "SELECT length(v) FROM t WHERE id = \(id)")
                    if found != 12_001 { Issue.record("row \(id)") }
                }
            }
        }
        #expect(writes[0] > 3 && writes[1] == 1)
        #expect(try number(connection, "SELECT count(*) FROM t") == 300)
        let sum = try number(connection, "SELECT sum(length(v)) FROM t")
        try connection.close()
        let shown = try shell("sqlite3", database.path, "SELECT sum(length(v)) FROM t; PRAGMA integrity_check")
        #expect(shown.output == "\(sum ?? 0)\nok\n")
    }

    @Test func `a statement that fails in the middle needs no file to take back what it spilled`() throws {
        let connection = try database.create()
        try connection.execute("PRAGMA cache_size=10; CREATE TABLE u (v UNIQUE); INSERT INTO u VALUES (200)")
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t (v) VALUES ('gone')")
                // Its own journal grows beyond what SQLite keeps in memory unless told so.
                try connection.run(
                    """
                    WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
                    INSERT INTO u SELECT CASE i WHEN 250 THEN 200 ELSE printf('%.*c', 9000, 'x') || i END FROM n
                    """)
            }
        }
        #expect(error?.code == .constraintUnique && error?.cause == nil)
        try connection.run("INSERT INTO u VALUES (201)")
        try connection.close()
        let shown = try shell("sqlite3", database.path, "SELECT v FROM u; SELECT v FROM t; PRAGMA integrity_check")
        #expect(shown.output == "200\n201\nok\n")
    }

    @Test func `a transaction that is rolled back after a spill leaves nothing`() throws {
        let connection = try database.create()
        try connection.execute("PRAGMA cache_size=10")
        for round in 0..<4 {
            try connection.execute("BEGIN IMMEDIATE")
            for _ in 0..<(50 << round) {
                try connection.run("INSERT INTO t (v) VALUES (?)", .text(String(repeating: "y", count: 9_000)))
            }
            try connection.execute("ROLLBACK")
            #expect(try number(connection, "SELECT count(*) FROM t") == Int64(round))
            try connection.run("INSERT INTO t (v) VALUES ('kept')")
        }
        try connection.close()
        let shown = try shell("sqlite3", database.path, "SELECT count(*) FROM t; PRAGMA integrity_check")
        #expect(shown.output == "4\nok\n")
    }

    @Test func `a log goes on where another program's ended`() throws {
        try database.create().close()
        let other = database.folder.path("other.db")
        // The shell would copy its log and delete it when it ends.
        let copied = try shell(
            "sqlite3", database.path, "INSERT INTO t (v) VALUES ('shell')",
            ".shell cp '\(database.path)' '\(other)'; cp '\(database.path)-wal' '\(other)-wal'")
        #expect(copied.code == 0)
        let copy = try OpenDatabase(in: database.folder, named: "other.db")
        let connection = try copy.connect()
        try connection.run("INSERT INTO t (v) VALUES ('here')")
        try connection.close()
        #expect(try shell("sqlite3", other, "SELECT v FROM t; PRAGMA integrity_check").output == "shell\nhere\nok\n")
    }
}
