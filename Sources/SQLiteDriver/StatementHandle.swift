// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// One prepared statement of SQLite: binds, steps and resets. The connection it was prepared on outlives it.
@safe final class StatementHandle {
    let sql: String
    private let database: OpaquePointer
    private let statement: OpaquePointer
    private var isRunning = false

    /// Compiles one statement.
    ///
    /// - Parameter isKept: whether the statement will be used many times (SQLITE_PREPARE_PERSISTENT).
    init(database: OpaquePointer, sql: String, isKept: Bool) throws(SQLiteError) {
        self.sql = sql
        unsafe self.database = unsafe database
        unsafe statement = try unsafe Self.prepare(sql, on: database, isKept: isKept)
    }

    deinit {
        // Returns the error of the last step once more, which was thrown then.
        _ = unsafe sqlite3_finalize(statement)
    }

    /// Binds the values, hands each row to `body`, and resets the statement whatever happens.
    func run(_ bindings: [SQLiteValue], _ body: (borrowing Row) throws(SQLiteError) -> Void) throws(SQLiteError) {
        if isRunning {
            throw SQLiteError(.misuse, call: "step", message: "the statement is already running", sql: sql)
        }
        isRunning = true
        defer { isRunning = false }

        var failure: SQLiteError?
        do throws(SQLiteError) {
            try bind(bindings)
            try stepAll(hasValues: !bindings.isEmpty, body)
        } catch {
            failure = error
        }
        let reset = unsafe sqlite3_reset(statement)
        // Frees SQLite's copies of long values; always SQLITE_OK.
        _ = unsafe sqlite3_clear_bindings(statement)
        if let failure { throw failure }
        // An error of the statement's end, such as that of an implicit commit, can come to light only here.
        if reset != SQLITE_OK { throw error(reset, "reset", hasValues: !bindings.isEmpty) }
    }

    private func stepAll(
        hasValues: Bool,
        _ body: (borrowing Row) throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        while true {
            let result = unsafe sqlite3_step(statement)
            switch result {
            case SQLITE_ROW: try body(unsafe Row(statement: statement, sql: sql))
            case SQLITE_DONE: return
            default: throw error(result, "step", hasValues: hasValues)
            }
        }
    }

    private func bind(_ bindings: [SQLiteValue]) throws(SQLiteError) {
        let wanted = Int(unsafe sqlite3_bind_parameter_count(statement))
        guard wanted == bindings.count else {
            let message = "\(bindings.count) values for \(wanted) parameters"
            throw SQLiteError(.outOfRange, call: "bind", message: message, sql: sql)
        }
        for (index, value) in zip(Int32(1)..., bindings) {
            let result = try bind(value, at: index)
            if result != SQLITE_OK { throw error(result, "bind", hasValues: true) }
        }
    }

    private func bind(_ value: SQLiteValue, at index: Int32) throws(SQLiteError) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(statement, index)
        case .integer(let integer): return unsafe sqlite3_bind_int64(statement, index, integer)
        case .real(let real):
            if real.isNaN {
                let message = "parameter \(index) is NaN, which SQLite would store as NULL"
                throw SQLiteError(.mismatch, call: "bind", message: message, sql: sql)
            }
            return unsafe sqlite3_bind_double(statement, index, real)
        case .text(var text):
            return text.withUTF8 { bytes in
                // A null pointer would bind NULL; the literal's pointer never is one.
                guard let start = bytes.baseAddress else { return unsafe csqlite_bind_text(statement, index, "", 0) }
                return unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { start in
                    unsafe csqlite_bind_text(statement, index, start, UInt64(bytes.count))
                }
            }
        case .blob(let bytes):
            if bytes.isEmpty { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
            return unsafe bytes.withUnsafeBytes { bytes in
                unsafe csqlite_bind_blob(statement, index, bytes.baseAddress, UInt64(bytes.count))
            }
        }
    }

    private func error(_ result: Int32, _ call: StaticString, hasValues: Bool) -> SQLiteError {
        unsafe SQLiteError(
            result: result, database: database, call: call, sql: sql, mayQuoteValues: hasValues)
    }

    private static func prepare(
        _ sql: String, on database: OpaquePointer, isKept: Bool
    ) throws(SQLiteError) -> OpaquePointer {
        let flags = isKept ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        var first: OpaquePointer?
        var second: OpaquePointer?
        var result = SQLITE_OK
        unsafe sql.withCString { start in
            var rest: UnsafePointer<CChar>?
            result = unsafe sqlite3_prepare_v3(database, start, -1, flags, &first, &rest)
            // What follows the first statement may be blank or a comment, but not a statement that would never run.
            guard result == SQLITE_OK, let next = unsafe rest, unsafe next.pointee != 0 else { return }
            result = unsafe sqlite3_prepare_v3(database, next, -1, 0, &second, nil)
        }
        if let statement = unsafe first, unsafe second == nil, result == SQLITE_OK, !sql.utf8.contains(0) {
            return unsafe statement
        }
        let failure =
            if result != SQLITE_OK {
                unsafe SQLiteError(result: result, database: database, call: "prepare", sql: sql)
            } else {
                SQLiteError(.misuse, call: "prepare", message: "not exactly one statement", sql: sql)
            }
        // Finalizing a statement that was never stepped cannot fail, and NULL is a harmless no-op.
        _ = unsafe sqlite3_finalize(first)
        _ = unsafe sqlite3_finalize(second)
        throw failure
    }
}
