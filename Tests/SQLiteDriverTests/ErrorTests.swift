// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite
import Foundation
import SQLiteDriver
import Testing

@Suite struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let sql: String
        let code: ResultCode
        let family: ResultCode
        var testDescription: String { "\(code)" }
    }

    static let cases: [Case] = [
        Case(sql: "INSERT INTO t VALUES (1, 1)", code: .constraintPrimaryKey, family: .constraint),
        Case(sql: "INSERT INTO t VALUES (2, 10)", code: .constraintUnique, family: .constraint),
        Case(sql: "INSERT INTO t VALUES (2, NULL)", code: .constraintNotNull, family: .constraint),
        Case(sql: "INSERT INTO t VALUES (2, -1)", code: .constraintCheck, family: .constraint),
        Case(sql: "INSERT INTO t VALUES (2, 'x')", code: .constraintDataType, family: .constraint),
        Case(sql: "INSERT INTO child VALUES (99)", code: .constraintForeignKey, family: .constraint),
        Case(sql: "DELETE FROM t", code: .constraintTrigger, family: .constraint),
        Case(sql: "SELECT * FROM missing", code: .error, family: .error),
        Case(sql: "SELECT \"no column\"", code: .error, family: .error),
        Case(sql: "NOT SQL", code: .error, family: .error),
        Case(sql: "SELECT zeroblob(2000000000)", code: .tooBig, family: .tooBig),
        Case(sql: "INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5)", code: .error, family: .error),
    ]

    @Test(arguments: cases)
    func `a failure has its code, its call and its statement`(_ test: Case) throws {
        let connection = try Connection(path: ":memory:")
        try connection.execute(
            """
            PRAGMA foreign_keys = ON;
            CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL UNIQUE CHECK (v > 0)) STRICT;
            CREATE TABLE child (t REFERENCES t (id));
            CREATE TRIGGER kept BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'kept'); END;
            INSERT INTO t VALUES (1, 10);
            """)
        let error = #expect(throws: SQLiteError.self) { try connection.run(test.sql) }
        #expect(error?.code == test.code)
        #expect(error?.code.primary == test.family)
        #expect(error?.sql == test.sql)
        #expect(error?.isRetryable == false)
        #expect(error?.systemErrno == nil)
        #expect(error.map { "\($0)".contains("\(test.code)") && "\($0)".contains(test.sql) } == true)
    }

    @Test func `the extended codes are those of the header`() {
        let expected: [(ResultCode, Int32, Int32, String)] = [
            (.busyRecovery, SQLITE_BUSY, 1, "SQLITE_BUSY_RECOVERY"),
            (.busySnapshot, SQLITE_BUSY, 2, "SQLITE_BUSY_SNAPSHOT"),
            (.ioErrorRead, SQLITE_IOERR, 1, "SQLITE_IOERR_READ"),
            (.ioErrorShortRead, SQLITE_IOERR, 2, "SQLITE_IOERR_SHORT_READ"),
            (.ioErrorWrite, SQLITE_IOERR, 3, "SQLITE_IOERR_WRITE"),
            (.ioErrorSync, SQLITE_IOERR, 4, "SQLITE_IOERR_FSYNC"),
            (.ioErrorTruncate, SQLITE_IOERR, 6, "SQLITE_IOERR_TRUNCATE"),
            (.ioErrorUnlock, SQLITE_IOERR, 8, "SQLITE_IOERR_UNLOCK"),
            (.ioErrorLock, SQLITE_IOERR, 15, "SQLITE_IOERR_LOCK"),
            (.constraintCheck, SQLITE_CONSTRAINT, 1, "SQLITE_CONSTRAINT_CHECK"),
            (.constraintRowID, SQLITE_CONSTRAINT, 10, "SQLITE_CONSTRAINT_ROWID"),
        ]
        for (code, family, number, name) in expected {
            #expect(code.rawValue == family | number << 8)
            #expect(code.description == name)
        }
        #expect(ResultCode(rawValue: 10 | 200 << 8).description == "SQLITE_IOERR (51210)")
        #expect(ResultCode(rawValue: 250).description == "SQLite result 250")
        #expect(ResultCode.full.rawValue == SQLITE_FULL)
        #expect(ResultCode.notFound.rawValue == SQLITE_NOTFOUND)
        #expect(ResultCode.notADatabase.rawValue == SQLITE_NOTADB)
    }

    @Test(arguments: [
        ("SELECT * FROM notes WHERE notes MATCH ?", "secret\" word"),
        ("SELECT json_extract('{}', ?)", "secret path"),
        ("INSERT INTO t VALUES (?, 1)", "secret"),
    ])
    func `a description never holds a bound value`(_ sql: String, _ value: String) throws {
        let connection = try Connection(path: ":memory:")
        try connection.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
        try connection.execute("CREATE TABLE t (a INTEGER, b INTEGER UNIQUE) STRICT; INSERT INTO t VALUES (1, 1)")
        let error = try #require(throws: SQLiteError.self) { try connection.run(sql, .text(value)) }
        #expect(!"\(error)".contains("secret"))
        #expect(!String(reflecting: error).contains("secret"))
    }

    @Test func `a closed connection refuses everything and closes again`() throws {
        let connection = try Connection(path: ":memory:")
        try connection.close()
        try connection.close()
        let uses: [() throws -> Void] = [
            { try connection.execute("SELECT 1") },
            { try connection.run("SELECT 1") },
            { _ = try connection.query("SELECT 1") { _ in } },
            { _ = try connection.prepare("SELECT 1") },
            { _ = try connection.changes },
            { _ = try connection.lastInsertRowID },
            { _ = try connection.isInTransaction },
            { try connection.checkpoint(.passive) },
            { try connection.setPersistentWAL(true) },
            { try connection.setCheckpointOnClose(false) },
            { try connection.withTransaction(.immediate) {} },
        ]
        for use in uses {
            let error = #expect(throws: SQLiteError.self) { try use() }
            #expect(error?.code == .misuse)
        }
    }

    @Test func `closing is refused while a statement exists`() throws {
        let connection = try Connection(path: ":memory:")
        let statement = try connection.prepare("SELECT 1")
        let error = #expect(throws: SQLiteError.self) { try connection.close() }
        #expect(error?.code == .busy)
        #expect(try statement.query { row throws(SQLiteError) in try row.int(0) } == [1])
        statement.finalize()
        let during = #expect(throws: SQLiteError.self) {
            try connection.query("SELECT 1") { _ throws(SQLiteError) in try connection.close() }
        }
        #expect(during?.code == .busy)
        try connection.close()
    }

    @Test func `a statement outlives its last reference to the connection`() throws {
        let statement: Statement
        do {
            let connection = try Connection(path: ":memory:")
            statement = try connection.prepare("SELECT 42")
        }
        #expect(try statement.query { row throws(SQLiteError) in try row.int(0) } == [42])
    }

    @Test func `opening tells why it failed`() throws {
        let folder = try TemporaryFolder()
        let missing = #expect(throws: SQLiteError.self) {
            try Connection(path: folder.path("none.db"), mode: .readWrite)
        }
        #expect(missing?.code.primary == .cannotOpen)
        #expect(missing?.systemErrno == ENOENT)
        let vfs = #expect(throws: SQLiteError.self) { try Connection(path: ":memory:", vfs: "no such vfs") }
        #expect(vfs?.code == .error)
        #expect(vfs?.message.contains("no such vfs") == true)
        #expect(throws: SQLiteError.self) { try Connection(path: folder.path("a") + "\0b") }

        let path = folder.path("text.db")
        try Data(String(repeating: "not a database ", count: 100).utf8).write(to: URL(fileURLWithPath: path))
        let foreign = #expect(throws: SQLiteError.self) {
            try Connection(path: path).query("SELECT * FROM sqlite_schema") { _ in }
        }
        #expect(foreign?.code == .notADatabase)
    }

    @Test func `a read-only connection refuses writes`() throws {
        let folder = try TemporaryFolder()
        try Connection(path: folder.path("a.db")).execute("CREATE TABLE t (v)")
        let connection = try Connection(path: folder.path("a.db"), mode: .readOnly)
        let error = #expect(throws: SQLiteError.self) { try connection.run("INSERT INTO t VALUES (1)") }
        #expect(error?.code.primary == .readOnly)
    }

    @Test func `a path that looks like a URI is a path`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("file:a.db?mode=memory")
        try Connection(path: path).execute("CREATE TABLE t (v)")
        #expect(FileManager.default.fileExists(atPath: path))
    }
}
