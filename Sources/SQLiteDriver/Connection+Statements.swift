// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

extension Connection {
    /// Runs a script of any number of statements without parameters; rows are dropped.
    ///
    /// - Throws: the error of the first statement that fails; the ones before it have taken effect.
    public func execute(_ sql: String) throws(SQLiteError) {
        let database = try unsafe open("exec")
        if sql.utf8.contains(0) {
            throw SQLiteError(.misuse, call: "exec", message: "the SQL contains a NUL character", sql: sql)
        }
        let result = unsafe sqlite3_exec(database, sql, nil, nil, nil)
        try unsafe check(result, "exec", on: database, sql: sql)
    }

    /// Compiles one statement for its caller to keep.
    ///
    /// - Throws: the error of SQLite; `.misuse` when `sql` holds no statement or more than one.
    public func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        let database = try unsafe open("prepare")
        let handle = try unsafe StatementHandle(database: database, sql: sql, isKept: true)
        return Statement(connection: self, handle: handle)
    }

    /// Runs one statement to its end and collects what `row` makes of each row.
    ///
    /// - Throws: the error of SQLite or of `row`.
    public func query<Element>(
        _ sql: String,
        _ bindings: SQLiteValue...,
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SQLiteError) -> [Element] {
        try query(sql, bindings, row: row)
    }

    /// The same with the values in an array.
    public func query<Element>(
        _ sql: String,
        _ bindings: [SQLiteValue],
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SQLiteError) -> [Element] {
        try withStatement(sql) { handle throws(SQLiteError) in
            var elements: [Element] = []
            try handle.run(bindings) { current throws(SQLiteError) in elements.append(try row(current)) }
            return elements
        }
    }

    /// Runs one statement to its end and drops its rows.
    ///
    /// - Returns: the number of rows that it inserted, updated or deleted itself, without those of triggers.
    /// - Throws: the error of SQLite.
    @discardableResult
    public func run(_ sql: String, _ bindings: SQLiteValue...) throws(SQLiteError) -> Int {
        try run(sql, bindings)
    }

    /// The same with the values in an array.
    @discardableResult
    public func run(_ sql: String, _ bindings: [SQLiteValue]) throws(SQLiteError) -> Int {
        try withStatement(sql) { handle throws(SQLiteError) in
            try countingChanges { () throws(SQLiteError) in try handle.run(bindings) { _ in } }
        }
    }

    /// The rowid of the last row that this connection inserted into a rowid table; 0 before the first one.
    public var lastInsertRowID: Int64 {
        get throws(SQLiteError) {
            unsafe sqlite3_last_insert_rowid(try unsafe open("last_insert_rowid"))
        }
    }

    /// How many rows the last INSERT, UPDATE or DELETE changed itself, without those of triggers.
    public var changes: Int {
        get throws(SQLiteError) {
            Int(unsafe sqlite3_changes64(try unsafe open("changes")))
        }
    }

    /// `changes` of what `body` runs, and 0 for statements of other kinds, which leave `changes` as it was.
    func countingChanges(_ body: () throws(SQLiteError) -> Void) throws(SQLiteError) -> Int {
        let before = unsafe sqlite3_total_changes64(try unsafe open("total_changes"))
        try body()
        let database = try unsafe open("total_changes")
        return unsafe sqlite3_total_changes64(database) == before ? 0 : Int(unsafe sqlite3_changes64(database))
    }
}
