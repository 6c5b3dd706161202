// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver
import Testing

@Suite struct TransactionTests {
    enum StoreFailure: Error {
        case refused
        case database(SQLiteError)
    }

    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        connection = try Connection(path: folder.path("a.db"))
        try connection.execute("CREATE TABLE t (v UNIQUE)")
    }

    func count() throws -> Int64? {
        try connection.query("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) }.first
    }

    @Test(arguments: [TransactionKind.deferred, .immediate, .exclusive])
    func `a transaction commits and returns its result`(_ kind: TransactionKind) throws {
        let result = try connection.withTransaction(kind) { () throws(SQLiteError) in
            #expect(try connection.isInTransaction)
            return try connection.run("INSERT INTO t VALUES (1)")
        }
        #expect(result == 1)
        #expect(try !connection.isInTransaction)
        #expect(try count() == 1)
    }

    @Test func `an error rolls back`() throws {
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t VALUES (1)")
                try connection.run("INSERT INTO t VALUES (1)")
            }
        }
        #expect(error?.code == .constraintUnique)
        #expect(error?.cause == nil)
        #expect(try !connection.isInTransaction)
        #expect(try count() == 0)
    }

    @Test func `a caller's own error type passes through`() throws {
        let error = #expect(throws: StoreFailure.self) {
            try connection.withTransaction(.immediate, mapError: StoreFailure.database) { () throws(StoreFailure) in
                do throws(SQLiteError) {
                    try connection.run("INSERT INTO t VALUES (1)")
                } catch {
                    throw .database(error)
                }
                throw .refused
            }
        }
        guard case .refused = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try count() == 0)
    }

    @Test func `a nested transaction is refused and the outer one rolls back`() throws {
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t VALUES (1)")
                try connection.withTransaction(.immediate) {}
            }
        }
        #expect(error?.code == .misuse)
        #expect(try count() == 0)
    }

    @Test func `a transaction that its body ended fails to commit`() throws {
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in try connection.run("ROLLBACK") }
        }
        #expect(error?.code == .error)
        #expect(try !connection.isInTransaction)
    }

    @Test func `a commit that fails rolls back`() throws {
        try connection.execute(
            """
            PRAGMA foreign_keys = ON;
            CREATE TABLE child (p REFERENCES t (v) DEFERRABLE INITIALLY DEFERRED);
            """)
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try connection.run("INSERT INTO t VALUES (1)")
                try connection.run("INSERT INTO child VALUES (2)")
            }
        }
        #expect(error?.code == .constraintForeignKey)
        #expect(try !connection.isInTransaction)
        #expect(try count() == 0)
    }

    @Test func `a rollback that fails is reported with its reason`() throws {
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate, mapError: { $0 }) { () throws(SQLiteError) in
                // The last statement, the one that could have rolled back, goes with the connection.
                try connection.close()
                try connection.run("INSERT INTO t VALUES (1)")
            }
        }
        #expect(error?.code == .misuse)
        #expect(error?.cause is SQLiteError)
        #expect(error.map { "\($0)".contains("while handling") } == true)
    }

    @Test func `a second writer is told to come again`() throws {
        let other = try Connection(path: folder.path("a.db"))
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                try other.withTransaction(.immediate) {}
            }
        }
        #expect(error?.code == .busy)
        #expect(error?.isRetryable == true)
        try other.withTransaction(.immediate) {}
    }
}
