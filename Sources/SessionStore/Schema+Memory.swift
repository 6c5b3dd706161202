// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

/// Tables of version 1 that a file gets when something is written to them for the first time: most sessions have no
/// memory, and each table is a page or more in a file of 30 KB.
extension Schema {
    /// The tables that may be missing from a file: what would be in them is nothing then.
    static let addedWhenUsed: Set = ["memory", "applied", "replies"]

    /// What the agent keeps beyond the conversation.
    ///
    /// * `size` is stored before the text, so that a list of files is read without their texts.
    /// * The index has no copy of the texts (`content`) and none of their lengths (`columnsize=0`); it is kept by
    ///   LeasedSession's `index(_:)` and `unindex(_:)`. Measured over 100 new texts of 200 bytes, 2 KB and 20 KB of English
    ///   words: a commit writes 19, 29 and 88 KB on average with it, and 7, 11 and 29 KB without. With other sizes of its
    ///   pages and other rules for its merges it was between a fifth less and a fifth more.
    static let memory = """
        CREATE TABLE IF NOT EXISTS memory (
            id      INTEGER PRIMARY KEY,
            path    TEXT    NOT NULL UNIQUE,     -- names with slashes between them, as in notes/today.txt
            version INTEGER NOT NULL,            -- counts the texts that it has had, from 1 on
            uses    INTEGER NOT NULL DEFAULT 0,  -- how often it was read or changed
            used    INTEGER,                     -- when it was last, in milliseconds since 1970; NULL for never
            updated INTEGER NOT NULL,            -- when the text was written, in milliseconds since 1970
            size    INTEGER NOT NULL GENERATED ALWAYS AS (length(CAST(text AS BLOB))) STORED,
            text    TEXT    NOT NULL
        ) STRICT;
        CREATE VIRTUAL TABLE IF NOT EXISTS memory_index USING fts5(
            path, text, content='memory', content_rowid='id', columnsize=0,
            tokenize='unicode61 remove_diacritics 2'
        );
        """

    /// Changes of a memory that several sessions share, by the idempotency key of the tool call: one that runs again after
    /// a crash finds here that it was done, and what its answer was. Only the newest are kept.
    static let applied = """
        CREATE TABLE IF NOT EXISTS applied (
            id     INTEGER PRIMARY KEY,
            key    TEXT NOT NULL UNIQUE,
            answer TEXT NOT NULL
        ) STRICT;
        """

    /// Replies of a model, to give them again. The rows are a queue: the oldest ones make room.
    static let replies = """
        CREATE TABLE IF NOT EXISTS replies (
            id    INTEGER PRIMARY KEY,
            key   TEXT    NOT NULL UNIQUE,       -- the digest of the request
            start INTEGER NOT NULL,              -- the bytes of all replies before it, also of those that are gone
            at    INTEGER NOT NULL,              -- milliseconds since 1970
            size  INTEGER NOT NULL,              -- in bytes
            body  TEXT    NOT NULL               -- JSON
        ) STRICT;
        """

    /// Whether a table is there; those that are not in ``addedWhenUsed`` are.
    static func has(_ table: String, in connection: Connection) throws(SQLiteError) -> Bool {
        guard addedWhenUsed.contains(table) else { return true }
        return try !connection.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", .text(table)) {
            _ throws(SQLiteError) in 1
        }.isEmpty
    }

    /// Creates what rows of the table need, if it is one of those that may be missing.
    static func add(_ table: String, to connection: Connection) throws(SQLiteError) {
        switch table {
        case "memory": try connection.execute(memory)
        case "applied": try connection.execute(applied)
        case "replies": try connection.execute(replies)
        default: break
        }
    }
}
