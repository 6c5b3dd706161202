// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver
import Testing

@Suite struct StatementTests {
    let connection: Connection

    init() throws {
        connection = try Connection(path: ":memory:")
        try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL UNIQUE); CREATE TABLE log (v)")
    }

    @Test func `a statement runs again with other values`() throws {
        let insert = try connection.prepare("INSERT INTO t (v) VALUES (?)")
        for index in 1...3 {
            #expect(try insert.run(.text("row \(index)")) == 1)
            #expect(try connection.lastInsertRowID == Int64(index))
        }
        let select = try connection.prepare("SELECT v FROM t WHERE id >= ? ORDER BY id")
        #expect(try select.query(2) { row throws(SQLiteError) in try row.text(0) } == ["row 2", "row 3"])
        #expect(try select.query(3) { row throws(SQLiteError) in try row.text(0) } == ["row 3"])
    }

    @Test func `a statement is usable after an error of its own or of its caller`() throws {
        let insert = try connection.prepare("INSERT INTO t (v) VALUES (?)")
        try insert.run("a")
        #expect(throws: SQLiteError.self) { try insert.run("a") }
        #expect(throws: SQLiteError.self) { try insert.run() }
        #expect(throws: SQLiteError.self) { try insert.run(.real(.nan)) }
        try insert.run("b")
        let select = try connection.prepare("SELECT v FROM t ORDER BY id")
        #expect(throws: SQLiteError.self) { try select.query { row throws(SQLiteError) in try row.int(0) } }
        #expect(try select.query { row throws(SQLiteError) in try row.text(0) } == ["a", "b"])
        insert.finalize()
        select.finalize()
        try connection.close()
    }

    @Test(arguments: [[], ["a", "b"]] as [[SQLiteValue]])
    func `too few and too many values are an error`(_ values: [SQLiteValue]) throws {
        let error = #expect(throws: SQLiteError.self) {
            try connection.run("INSERT INTO t (v) VALUES (?)", values)
        }
        #expect(error?.code == .outOfRange)
        #expect(error.map { "\($0.call)" } == "bind")
    }

    @Test func `the same SQL may be nested in its own rows`() throws {
        for value in ["a", "b", "c"] { try connection.run("INSERT INTO t (v) VALUES (?)", .text(value)) }
        let sql = "SELECT v FROM t ORDER BY id"
        let pairs = try connection.query(sql) { outer throws(SQLiteError) in
            let first = try outer.text(0)
            return try connection.query(sql) { inner throws(SQLiteError) in first + (try inner.text(0)) }
        }
        #expect(pairs.flatMap { $0 } == ["aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb", "cc"])
    }

    @Test func `one statement nested in its own rows is an error`() throws {
        let select = try connection.prepare("SELECT 1")
        let error = #expect(throws: SQLiteError.self) {
            try select.query { _ throws(SQLiteError) in try select.run() }
        }
        #expect(error?.code == .misuse)
        #expect(try select.query { row throws(SQLiteError) in try row.int(0) } == [1])
    }

    @Test(arguments: ["", "  ", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1\0; DROP TABLE t", "\0"])
    func `anything but one statement is refused`(_ sql: String) {
        let error = #expect(throws: SQLiteError.self) { try connection.run(sql) }
        #expect(error?.code == .misuse)
    }

    @Test(arguments: ["SELECT 1;", "SELECT 1 ; -- done", "/* first */ SELECT 1; ;\n"])
    func `what surrounds one statement is allowed`(_ sql: String) throws {
        #expect(try connection.query(sql) { row throws(SQLiteError) in try row.int(0) } == [1])
    }

    @Test func `changes count the rows of the statement itself`() throws {
        try connection.execute("CREATE TRIGGER copy AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.v); END")
        #expect(try connection.run("INSERT INTO t (v) VALUES ('a'), ('b')") == 2)
        #expect(try connection.changes == 2)
        #expect(try connection.run("CREATE TABLE other (x)") == 0)
        #expect(try connection.run("UPDATE t SET v = v WHERE id > 1") == 1)
        #expect(try connection.run("UPDATE t SET v = v WHERE id > 2") == 0)
        #expect(try connection.run("INSERT INTO t (v) VALUES ('c') RETURNING id") == 1)
        #expect(try connection.run("SELECT * FROM t") == 0)
        #expect(try connection.run("DELETE FROM log") == 3)
    }

    @Test func `more statements than are kept still work`() throws {
        for index in 0..<200 {
            #expect(
                try connection.query("SELECT \(index)") { row throws(SQLiteError) in try row.int(0) } == [Int64(index)])
        }
        try connection.close()
    }

    @Test func `kept statements follow a change of the schema`() throws {
        let sql = "SELECT * FROM log"
        #expect(try connection.query(sql) { row in row.count }.isEmpty)
        try connection.execute("ALTER TABLE log ADD COLUMN w; INSERT INTO log VALUES (1, 2)")
        #expect(try connection.query(sql) { row in row.count } == [2])
    }
}
