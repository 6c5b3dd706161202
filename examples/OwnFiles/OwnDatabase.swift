// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// A SQLite file of an agent's own, for one step: opened in it, and closed before it ends, so that nothing is held while
/// the sandbox is frozen.
///
/// The session's lease sees to it that one process at a time works on it. A sandbox that was cut off may still write once
/// more, so every write is one that may be repeated: a row has a key, and the same key is the same row.
public final class OwnDatabase {
    private let database: OpaquePointer

    /// Opens a file, which is created when it is missing.
    ///
    /// A rollback journal and an exclusive lock: SQLite's write-ahead log needs shared memory, which NFS does not have.
    public init(_ path: String) throws(DatabaseError) {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close(opened)
            throw DatabaseError(code: code)
        }
        database = opened
        sqlite3_busy_timeout(database, 5000)
        try run("PRAGMA locking_mode=EXCLUSIVE")
        try run("PRAGMA journal_mode=TRUNCATE")
        try run("PRAGMA synchronous=FULL")
    }

    deinit { sqlite3_close_v2(database) }

    /// Runs one statement; its rows, each column as text.
    @discardableResult
    public func run(_ sql: String, _ values: Value...) throws(DatabaseError) -> [[String]] {
        var prepared: OpaquePointer?
        try check(sqlite3_prepare_v2(database, sql, -1, &prepared, nil))
        let statement = prepared
        defer { sqlite3_finalize(statement) }
        for (index, value) in values.enumerated() {
            switch value {
            case .int(let number): try check(sqlite3_bind_int64(statement, Int32(index + 1), Int64(number)))
            case .text(let text):
                try check(csqlite_bind_text(statement, Int32(index + 1), text, UInt64(text.utf8.count)))
            }
        }
        var rows: [[String]] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw DatabaseError(code: code) }
            rows.append(
                (0..<sqlite3_column_count(statement)).map { column in
                    sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
                })
        }
    }

    private func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK else { throw DatabaseError(code: code) }
    }

    /// What a statement is given.
    public enum Value {
        /// A text.
        case text(String)
        /// A number.
        case int(Int)
    }
}

/// What SQLite said.
public struct DatabaseError: Error, CustomStringConvertible {
    /// SQLite's result code.
    public let code: Int32
    /// SQLite's words for it.
    public var description: String { "SQLite: \(String(cString: sqlite3_errstr(code)))" }
}
