// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// The current row of a running statement; readable only inside the closure that it was handed to.
///
/// Columns count from 0. Values are not converted: a column of another storage class than the one asked for is an
/// error, because it means that the file holds something its schema does not promise.
@safe public struct Row: ~Copyable {
    private let statement: OpaquePointer
    private let sql: String
    /// The number of columns.
    public let count: Int

    init(statement: OpaquePointer, sql: String) {
        unsafe self.statement = unsafe statement
        self.sql = sql
        count = Int(unsafe sqlite3_data_count(statement))
    }

    /// An INTEGER column.
    ///
    /// - Throws: `.mismatch` for every other storage class, NULL included; `.outOfRange` when there is no such column.
    public func int(_ column: Int) throws(SQLiteError) -> Int64 {
        try require(optionalInt(column), column, "INTEGER")
    }

    /// A REAL column, or an INTEGER one that a Double represents exactly.
    ///
    /// - Throws: `.mismatch` for everything else, NULL included; `.outOfRange` when there is no such column.
    public func real(_ column: Int) throws(SQLiteError) -> Double {
        try require(optionalReal(column), column, "REAL")
    }

    /// A TEXT column.
    ///
    /// - Throws: `.mismatch` for every other storage class, NULL included, and for bytes that are not UTF-8;
    ///   `.outOfRange` when there is no such column.
    public func text(_ column: Int) throws(SQLiteError) -> String {
        try require(optionalText(column), column, "TEXT")
    }

    /// A BLOB column.
    ///
    /// - Throws: `.mismatch` for every other storage class, NULL included; `.outOfRange` when there is no such column.
    public func blob(_ column: Int) throws(SQLiteError) -> [UInt8] {
        try require(optionalBlob(column), column, "BLOB")
    }

    /// Whether the column is NULL.
    ///
    /// - Throws: `.outOfRange` when there is no such column.
    public func isNull(_ column: Int) throws(SQLiteError) -> Bool {
        try storageClass(column) == SQLITE_NULL
    }

    /// Like `int`, but nil for NULL.
    public func optionalInt(_ column: Int) throws(SQLiteError) -> Int64? {
        switch try value(column) {
        case .integer(let integer): integer
        case .null: nil
        default: throw mismatch(column, "INTEGER")
        }
    }

    /// Like `real`, but nil for NULL.
    public func optionalReal(_ column: Int) throws(SQLiteError) -> Double? {
        switch try value(column) {
        case .real(let real): return real
        case .integer(let integer):
            if let exact = Double(exactly: integer) { return exact }
            throw mismatch(column, "REAL")
        case .null: return nil
        default: throw mismatch(column, "REAL")
        }
    }

    /// Like `text`, but nil for NULL.
    public func optionalText(_ column: Int) throws(SQLiteError) -> String? {
        switch try value(column) {
        case .text(let text): text
        case .null: nil
        default: throw mismatch(column, "TEXT")
        }
    }

    /// Like `blob`, but nil for NULL.
    public func optionalBlob(_ column: Int) throws(SQLiteError) -> [UInt8]? {
        switch try value(column) {
        case .blob(let bytes): bytes
        case .null: nil
        default: throw mismatch(column, "BLOB")
        }
    }

    /// The column's value, whatever its storage class.
    ///
    /// - Throws: `.mismatch` for TEXT that is not UTF-8; `.outOfRange`; `.outOfMemory`.
    public func value(_ column: Int) throws(SQLiteError) -> SQLiteValue {
        let index = Int32(truncatingIfNeeded: column)
        switch try storageClass(column) {
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .real(unsafe sqlite3_column_double(statement, index))
        case SQLITE_TEXT:
            // The order is the manual's "safest policy": the text first, then the number of its bytes.
            guard let start = unsafe sqlite3_column_text(statement, index) else { throw outOfMemory() }
            let count = Int(unsafe sqlite3_column_bytes(statement, index))
            let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
            guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
                throw mismatch(column, "UTF-8")
            }
            return .text(text)
        case SQLITE_BLOB:
            // The return "value from sqlite3_column_blob() for a zero-length BLOB is a NULL pointer".
            let start = unsafe sqlite3_column_blob(statement, index)
            let count = Int(unsafe sqlite3_column_bytes(statement, index))
            if unsafe start == nil && count > 0 { throw outOfMemory() }
            return .blob(unsafe Array(UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }

    private func storageClass(_ column: Int) throws(SQLiteError) -> Int32 {
        guard column >= 0 && column < count else {
            throw SQLiteError(
                .outOfRange, call: "column", message: "no column \(column) in a row of \(count)", sql: sql)
        }
        return unsafe sqlite3_column_type(statement, Int32(column))
    }

    private func require<Value>(
        _ value: Value?, _ column: Int, _ wanted: StaticString
    ) throws(SQLiteError) -> Value {
        guard let value else { throw mismatch(column, wanted) }
        return value
    }

    private func mismatch(_ column: Int, _ wanted: StaticString) -> SQLiteError {
        SQLiteError(.mismatch, call: "column", message: "column \(column) is not \(wanted)", sql: sql)
    }

    private func outOfMemory() -> SQLiteError {
        SQLiteError(.outOfMemory, call: "column", message: "out of memory", sql: sql)
    }
}
