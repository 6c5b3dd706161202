// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver
import Testing

@Suite struct ValueTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let value: SQLiteValue
        let type: String
        var testDescription: String {
            switch value {
            case .blob(let bytes) where bytes.count > 16: "blob of \(bytes.count)"
            case .text(let text) where text.utf8.count > 40: "text of \(text.utf8.count)"
            default: "\(value)"
            }
        }
    }

    static let cases: [Case] = [
        Case(value: nil, type: "null"),
        Case(value: 0, type: "integer"),
        Case(value: .integer(.min), type: "integer"),
        Case(value: .integer(.max), type: "integer"),
        Case(value: 1.5, type: "real"),
        Case(value: .real(-0.0), type: "real"),
        Case(value: .real(.infinity), type: "real"),
        Case(value: .real(.leastNonzeroMagnitude), type: "real"),
        Case(value: .real(.greatestFiniteMagnitude), type: "real"),
        Case(value: "", type: "text"),
        Case(value: "12", type: "text"),
        Case(value: "nul \0 inside\0", type: "text"),
        Case(value: "é🇪🇺\u{10FFFF}\u{FEFF}", type: "text"),
        Case(value: .text(String(repeating: "long ", count: 100_000)), type: "text"),
        Case(value: .blob([]), type: "blob"),
        Case(value: .blob([0]), type: "blob"),
        Case(value: .blob([0xff, 0, 0xfe]), type: "blob"),
        Case(value: .blob([UInt8](repeating: 7, count: 1_000_000)), type: "blob"),
    ]

    @Test(arguments: cases)
    func `a value comes back as it was bound`(_ test: Case) throws {
        let connection = try Connection(path: ":memory:")
        try connection.execute("CREATE TABLE t (v)")
        #expect(try connection.run("INSERT INTO t VALUES (?)", test.value) == 1)
        let rows = try connection.query("SELECT v, typeof(v), v IS ? FROM t", test.value) { row throws(SQLiteError) in
            #expect(row.count == 3)
            #expect(try row.isNull(0) == (test.value == .null))
            #expect(try row.int(2) == 1)
            return (try row.value(0), try row.text(1))
        }
        #expect(rows.count == 1)
        #expect(rows.first?.0 == test.value)
        #expect(rows.first?.1 == test.type)
    }

    @Test func `typed columns read their own storage class`() throws {
        let connection = try Connection(path: ":memory:")
        _ = try connection.query("SELECT ?, ?, ?, ?, ?", 7, 1.5, "text", .blob([1, 2]), nil) {
            row throws(SQLiteError) in
            #expect(try row.int(0) == 7)
            #expect(try row.real(1) == 1.5)
            #expect(try row.text(2) == "text")
            #expect(try row.blob(3) == [1, 2])
            #expect(try row.optionalInt(0) == 7)
            #expect(try row.optionalReal(1) == 1.5)
            #expect(try row.optionalText(2) == "text")
            #expect(try row.optionalBlob(3) == [1, 2])
            #expect(try row.real(0) == 7)
            #expect(try row.optionalInt(4) == nil)
            #expect(try row.optionalReal(4) == nil)
            #expect(try row.optionalText(4) == nil)
            #expect(try row.optionalBlob(4) == nil)
        }
    }

    struct Misreading: Sendable {
        let sql: String
        let read: @Sendable (borrowing Row) throws(SQLiteError) -> Void
    }

    static let misreadings = [
        Misreading(sql: "SELECT '12'") { row throws(SQLiteError) in _ = try row.int(0) },
        Misreading(sql: "SELECT 12") { row throws(SQLiteError) in _ = try row.text(0) },
        Misreading(sql: "SELECT 1.0") { row throws(SQLiteError) in _ = try row.int(0) },
        Misreading(sql: "SELECT 9223372036854775807") { row throws(SQLiteError) in _ = try row.real(0) },
        Misreading(sql: "SELECT 'bytes'") { row throws(SQLiteError) in _ = try row.blob(0) },
        Misreading(sql: "SELECT NULL") { row throws(SQLiteError) in _ = try row.int(0) },
        Misreading(sql: "SELECT NULL") { row throws(SQLiteError) in _ = try row.real(0) },
        Misreading(sql: "SELECT NULL") { row throws(SQLiteError) in _ = try row.text(0) },
        Misreading(sql: "SELECT NULL") { row throws(SQLiteError) in _ = try row.blob(0) },
        Misreading(sql: "SELECT CAST(x'ff' AS TEXT)") { row throws(SQLiteError) in _ = try row.text(0) },
    ]

    @Test(arguments: misreadings)
    func `another storage class is an error`(_ test: Misreading) throws {
        let connection = try Connection(path: ":memory:")
        let error = #expect(throws: SQLiteError.self) { try connection.query(test.sql, row: test.read) }
        #expect(error?.code == .mismatch)
    }

    @Test(arguments: [-1, 1, Int.max, Int.min])
    func `a column that is not there is an error`(_ column: Int) throws {
        let connection = try Connection(path: ":memory:")
        let error = #expect(throws: SQLiteError.self) {
            try connection.query("SELECT 1") { row throws(SQLiteError) in try row.int(column) }
        }
        #expect(error?.code == .outOfRange)
    }

    @Test func `NaN is refused instead of stored as NULL`() throws {
        let connection = try Connection(path: ":memory:")
        let error = #expect(throws: SQLiteError.self) { try connection.run("SELECT ?", .real(.nan)) }
        #expect(error?.code == .mismatch)
    }

    @Test func `optional values bind as themselves or NULL`() {
        #expect(SQLiteValue(Int64?.none) == nil)
        #expect(SQLiteValue(String?.some("a")) == "a")
        #expect(SQLiteValue([UInt8]?.some([1])) == .blob([1]))
    }
}
