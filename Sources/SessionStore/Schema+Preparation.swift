// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

extension Schema {
    /// Creates the tables of a new file, or brings those of an old one to this library's version.
    /// - Parameter names: Of the session that is created in an empty file; nil creates none.
    static func prepare(
        _ connection: Connection,
        creating names: SessionNames?,
        migrations: [Migration],
        now: Int64
    ) throws(SessionStoreError) {
        let (found, application, isEmpty) = try sqlite(at: "open") { () throws(SQLiteError) in
            (
                Int(try connection.userVersion),
                try connection.query("PRAGMA application_id") { row throws(SQLiteError) in try row.int(0) },
                try connection.query("SELECT 1 FROM sqlite_schema") { _ throws(SQLiteError) in 1 }.isEmpty
            )
        }
        if application == [applicationID] {
            let version = migrations.last.map { $0.from + 1 } ?? version
            guard found <= version else {
                throw SessionStoreError(
                    .newerSchema,
                    at: "open",
                    "the file has schema version \(found) and this library knows \(version): deploy the newer one"
                )
            }
            try useLog(connection)
            if found < version { try migrate(connection, from: found, by: migrations) }
        } else {
            guard isEmpty, found == 0, application == [0] else {
                throw SessionStoreError(.foreignFile, at: "open", "the file is a database, but no session's")
            }
            // A creation or an erasure that was cut off.
            guard let names else { throw .noSuchSession }
            try useLog(connection)
            try sqlite(at: "create") { () throws(SQLiteError) in
                try create(connection, as: names, now: now)
                // Into the database at once: a session whose log is lost must not get a new identity, from which new
                // idempotency keys would follow. Three more syncs, once in its life.
                try connection.checkpoint(.truncate)
            }
        }
    }

    /// Makes the file keep a write-ahead log. Writes to a file that keeps none yet: to be called once it is known to be
    /// a session's.
    ///
    /// The change itself is written in place and without a journal file: it is one page, and what changes in it are
    /// bytes of the "Database Header", its first 100, which reach the disk together or not at all.
    static func useLog(_ connection: Connection) throws(SessionStoreError) {
        let mode = try sqlite(at: "open") { () throws(SQLiteError) in
            let before = try connection.query("PRAGMA journal_mode") { row throws(SQLiteError) in try row.text(0) }
            if before == ["wal"] { return before }
            try connection.execute("PRAGMA journal_mode=MEMORY")
            // "If the journal mode could not be changed, the original journal mode is returned", and no error.
            return try connection.query("PRAGMA journal_mode=WAL") { row throws(SQLiteError) in try row.text(0) }
        }
        guard mode == ["wal"] else {
            throw SessionStoreError(.inputOutput, at: "open", "SQLite does not keep a write-ahead log for this file")
        }
    }

    private static func create(
        _ connection: Connection,
        as names: SessionNames,
        now: Int64
    ) throws(SQLiteError) {
        try connection.withTransaction(.immediate) { () throws(SQLiteError) in
            try connection.execute(creation)
            try connection.run(
                """
                INSERT INTO meta (id, agent, session, identity, created, epoch, owner) VALUES (1, ?, ?, ?, ?, 0, '')
                """,
                .text(names.agent), .text(names.session), .text(randomIdentity()), .integer(now)
            )
            try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);")
        }
    }
}

/// 128 random bits as 32 hexadecimal digits.
func randomIdentity() -> String {
    let digits = String(UInt128.random(in: 0 ... .max), radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
}
