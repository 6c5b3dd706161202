// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WALTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("s.db")
    }

    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
    }

    func walSize() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
    }

    /// As a session store opens its file: SQLite does not lock, and the WAL index lives on the heap.
    func openExclusive() throws -> Connection {
        let connection = try Connection(path: path, vfs: "unix-none")
        try connection.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0")
        #expect(
            try connection.query("PRAGMA journal_mode=WAL") { row throws(SQLiteError) in try row.text(0) } == ["wal"])
        return connection
    }

    @Test func `an exclusive connection without locks has no shared memory file`() throws {
        let connection = try openExclusive()
        try connection.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
        #expect(try files == ["s.db", "s.db-wal"])
        try connection.close()
        #expect(try files == ["s.db"])
    }

    @Test func `closing without a checkpoint keeps the WAL and its rows`() throws {
        let connection = try openExclusive()
        try connection.setCheckpointOnClose(false)
        try connection.execute("CREATE TABLE t (v); INSERT INTO t VALUES ('kept')")
        let size = try walSize()
        try connection.close()
        #expect(try files == ["s.db", "s.db-wal"])
        #expect(try walSize() == size)
        #expect(try openExclusive().query("SELECT v FROM t") { row throws(SQLiteError) in try row.text(0) } == ["kept"])
    }

    @Test func `a persistent WAL stays as a file after its checkpoint`() throws {
        let connection = try openExclusive()
        try connection.execute("CREATE TABLE t (v)")
        try connection.setPersistentWAL(true)
        try connection.close()
        #expect(try files == ["s.db", "s.db-wal"])
        let second = try openExclusive()
        try second.run("INSERT INTO t VALUES (1)")
        try second.setPersistentWAL(true)
        try second.setPersistentWAL(false)
        try second.close()
        #expect(try files == ["s.db"])
    }

    @Test func `a truncating checkpoint empties the WAL`() throws {
        let connection = try openExclusive()
        try connection.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
        let passive = try connection.checkpoint(.passive)
        #expect(passive.walFrames > 0 && passive.walFrames == passive.checkpointedFrames)
        #expect(try walSize() != 0)
        let truncated = try connection.checkpoint(.truncate)
        #expect(truncated.walFrames == 0 && truncated.checkpointedFrames == 0)
        #expect(try walSize() == 0)
        let inside = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t VALUES (2)")
                try connection.checkpoint(.full)
            }
        }
        #expect(inside?.code == .locked)
    }

    @Test func `a checkpoint outside of WAL mode finds nothing`() throws {
        let connection = try Connection(path: path)
        try connection.execute("CREATE TABLE t (v)")
        let result = try connection.checkpoint(.full)
        #expect(result.walFrames == -1 && result.checkpointedFrames == -1)
    }

    @Test func `the stock shell reads what was written`() throws {
        let connection = try openExclusive()
        try connection.setCheckpointOnClose(false)
        try connection.execute("CREATE TABLE t (v)")
        try connection.withTransaction(.immediate) { () throws(SQLiteError) in
            for value: SQLiteValue in [nil, -5, 2.5, "it's ü", .blob([0, 255]), .blob([]), ""] {
                try connection.run("INSERT INTO t VALUES (?)", value)
            }
        }
        try connection.close()
        let shown = try shell("sqlite3", path, "SELECT quote(v) FROM t; PRAGMA integrity_check")
        #expect(shown.output == "NULL\n-5\n2.5\n'it''s ü'\nX'00FF'\nX''\n''\nok\n")
        #expect(shown.code == 0)
    }

    @Test func `the stock shell's rows are read`() throws {
        #expect(try shell("sqlite3", path, "CREATE TABLE t (v); INSERT INTO t VALUES (x'00'), ('a')").code == 0)
        let values = try Connection(path: path).query("SELECT v FROM t") { row throws(SQLiteError) in try row.value(0) }
        #expect(values == [.blob([0]), "a"])
    }

    @Test(arguments: [0, 1, -1, Int32.max, Int32.min])
    func `the user version is kept`(_ version: Int32) throws {
        let connection = try Connection(path: path)
        #expect(try connection.userVersion == 0)
        try connection.setUserVersion(version)
        try connection.close()
        #expect(try Connection(path: path).userVersion == version)
    }

    @Test func `a rolled back user version is not kept`() throws {
        let connection = try Connection(path: path)
        #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.setUserVersion(7)
                try connection.execute("NOT SQL")
            }
        }
        #expect(try connection.userVersion == 0)
    }
}
