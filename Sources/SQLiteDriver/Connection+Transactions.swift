// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// When a transaction takes its locks.
public enum TransactionKind: Sendable {
    /// At the first read or write. A later write can fail with `.busySnapshot`.
    case deferred
    /// The write lock at once: *"IMMEDIATE causes the database connection to start a new write immediately"*.
    case immediate
    /// Like immediate; outside of WAL mode it keeps readers out as well.
    case exclusive

    fileprivate var begin: String {
        switch self {
        case .deferred: "BEGIN DEFERRED"
        case .immediate: "BEGIN IMMEDIATE"
        case .exclusive: "BEGIN EXCLUSIVE"
        }
    }
}

extension Connection {
    /// Whether a transaction is open. SQLite itself rolls back after some errors (`full`, `ioError`, `outOfMemory`).
    public var isInTransaction: Bool {
        get throws(SQLiteError) {
            unsafe sqlite3_get_autocommit(try unsafe open("get_autocommit")) == 0
        }
    }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws or when the commit fails.
    ///
    /// - Throws: the error of `body` or of the commit, or, when the rollback fails as well, the rollback's error with
    ///   the former as its `cause`: the connection is then unusable. `.misuse` when a transaction is open already.
    public func withTransaction<Result>(
        _ kind: TransactionKind,
        _ body: () throws(SQLiteError) -> Result
    ) throws(SQLiteError) -> Result {
        try withTransaction(kind, mapError: { $0 }, body)
    }

    /// The same for a `body` with an error type of its own, which the errors of begin, commit and rollback are mapped to.
    public func withTransaction<Result, Failure: Error>(
        _ kind: TransactionKind,
        mapError: (SQLiteError) -> Failure,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do throws(SQLiteError) {
            if try isInTransaction {
                throw SQLiteError(.misuse, call: "begin", message: "a transaction is already open")
            }
            try run(kind.begin)
        } catch {
            throw mapError(error)
        }
        let result: Result
        do throws(Failure) {
            result = try body()
        } catch {
            if let failure = rollBack(after: error) { throw mapError(failure) }
            throw error
        }
        do throws(SQLiteError) {
            try run("COMMIT")
        } catch {
            throw mapError(rollBack(after: error) ?? error)
        }
        return result
    }

    /// Rolls back unless SQLite has done so; returns why that failed.
    private func rollBack(after cause: any Error) -> SQLiteError? {
        do throws(SQLiteError) {
            if try isInTransaction { try run("ROLLBACK") }
            return nil
        } catch {
            // After a failure of the files there is nothing left to roll back, and the first error is the news.
            return error.fileFailure == nil ? error.whileHandling(cause) : nil
        }
    }
}
