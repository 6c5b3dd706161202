// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

/// Connections whose files are unlocked for a while, and where a log ends.
@Suite(.timeLimit(.minutes(1)))
struct SuspensionTests {
    let database: OpenDatabase

    init() throws { database = try OpenDatabase() }

    @Test func `a suspended connection refuses everything, and goes on with what it had in memory`() throws {
        let connection = try database.create()
        try connection.run("INSERT INTO t (v) VALUES ('a')")
        _ = try text(connection, "SELECT v FROM t")
        let log = FileManager.default.contents(atPath: database.path + "-wal")
        for _ in 0..<2 {
            database.files.suspend()
            let before = database.operations
            for sql in ["SELECT v FROM t", "INSERT INTO t (v) VALUES ('b')", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                let error = #expect(throws: SQLiteError.self) { try connection.execute(sql) }
                #expect(error?.code.primary == .ioError && error?.systemErrno == EBADF && error?.fileFailure == nil)
            }
            #expect(throws: SQLiteError.self) { try Connection(files: database.files) }
            #expect(database.operations == before)
            try database.files.resume()
            #expect(try text(connection, "SELECT v FROM t") == "a")
            #expect(database.operations == before)
        }
        #expect(FileManager.default.contents(atPath: database.path + "-wal") == log)
        try connection.run("INSERT INTO t (v) VALUES ('b')")
        try connection.close()
        #expect(try shell("sqlite3", database.path, "SELECT v FROM t; PRAGMA integrity_check").output == "a\nb\nok\n")
    }

    @Test func `files that are suspended leave the path to others, and come back when it is free`() throws {
        let connection = try database.create()
        try connection.run("INSERT INTO t (v) VALUES ('a')")
        database.files.suspend()
        do {
            let others = try DatabaseFiles(path: database.path, database: database.database, log: database.log)
            do {
                try database.files.resume()
                Issue.record("two offers of one path")
            } catch {
                #expect(error.code == .misuse)
            }
            others.withdraw()
        }
        try database.files.resume()
        #expect(try text(connection, "SELECT v FROM t") == "a")
        try connection.close()
    }

    @Test func `a suspended connection closes without touching the files`() throws {
        let connection = try database.connect()
        try connection.execute("CREATE TABLE t (v); INSERT INTO t VALUES ('a')")
        let log = FileManager.default.contents(atPath: database.path + "-wal")
        database.files.suspend()
        let before = database.operations
        try connection.close()
        #expect(database.operations == before)
        #expect(FileManager.default.contents(atPath: database.path + "-wal") == log)
    }

    /// Where the log ends; a value that can be copied, for the macros.
    func end() -> LogEnd? { database.files.logEnd }

    @Test func `the end of the log is known after a commit, and is what is in the file`() throws {
        let connection = try database.create()
        #expect(end() == nil)
        var ends: Set<LogEnd> = []
        for count in [1, 5_000, 100_000, 3_000_000] {
            try connection.run("INSERT INTO t (v) VALUES (hex(zeroblob(?)))", .integer(Int64(count)))
            let found = try #require(end())
            let log = try #require(FileManager.default.contents(atPath: database.path + "-wal"))
            #expect(found.size == Int64(log.count))
            #expect(found.header == Array(log[..<32]))
            #expect(found.frame == Array(log[Int(found.frameOffset)...].prefix(24)))
            #expect(found.frameOffset + 24 + 16_384 == found.size)
            ends.insert(found)
        }
        #expect(ends.count == 4)
        // Rolled back, partly in the file.
        try connection.execute("PRAGMA cache_size=1")
        #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t (v) VALUES (hex(zeroblob(2000000)))")
                try connection.execute("SELECT * FROM missing")
            }
        }
        if let end = end() { #expect(ends.contains(end)) }
        try connection.checkpoint(.truncate)
        #expect(end() == nil)
        try connection.run("INSERT INTO t (v) VALUES ('a')")
        let anew = try #require(end())
        #expect(!ends.contains(anew) && !ends.map(\.header).contains(anew.header))
        try connection.close()
        let again = try database.connect()
        #expect(try number(again, "SELECT count(*) FROM t") == 5)
        #expect(end() == nil)
        try again.run("INSERT INTO t (v) VALUES ('b')")
        #expect(try #require(end()).header == anew.header)
    }
}
