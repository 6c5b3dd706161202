// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A prepared statement that its owner keeps, for use many times. `Connection.query` and `Connection.run` keep theirs
/// by themselves.
///
/// While it exists, its connection cannot be closed.
public struct Statement: ~Copyable {
    private let connection: Connection
    private let handle: StatementHandle

    init(connection: Connection, handle: StatementHandle) {
        self.connection = connection
        self.handle = handle
    }

    /// Runs the statement to its end and collects what `row` makes of each row.
    ///
    /// - Throws: the error of SQLite or of `row`; `.misuse` when this statement is running already.
    public func query<Element>(
        _ bindings: SQLiteValue...,
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SQLiteError) -> [Element] {
        // Refuses where the connection does.
        _ = try unsafe connection.open("step")
        var elements: [Element] = []
        try handle.run(bindings) { current throws(SQLiteError) in elements.append(try row(current)) }
        return elements
    }

    /// Runs the statement to its end and drops its rows.
    ///
    /// - Returns: the number of rows that it inserted, updated or deleted itself, without those of triggers.
    /// - Throws: the error of SQLite; `.misuse` when this statement is running already.
    @discardableResult
    public func run(_ bindings: SQLiteValue...) throws(SQLiteError) -> Int {
        try connection.countingChanges { () throws(SQLiteError) in try handle.run(bindings) { _ in } }
    }

    /// Gives the statement up before the end of its scope, so that the connection can be closed.
    public consuming func finalize() {}
}
