// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The tables of a session file.
enum Schema {
    /// `PRAGMA user_version`. A file with a higher one is refused.
    static let version = 1
    /// `PRAGMA application_id`: "PERD" in ASCII. `file(1)` and this library tell session files from others by it.
    static let applicationID: Int64 = 0x5045_5244

    /// The size of a page of the database.
    static let pageSize: Int64 = 4096

    /// Settings of the connection, before its first access to the file. `Schema.useLog` follows them.
    ///
    /// * `page_size=4096`: a commit writes whole pages, most of them for a few bytes (the epoch, the size of the file, an
    ///   index). Two messages of 2 KB are 24 KB with 4 KiB pages, 40 KB with 8 KiB and 70 KB with 16 KiB.
    /// * `synchronous=FULL`: a commit is on stable storage when it returns; with NORMAL it would sit in the page cache
    ///   of a sandbox that is about to freeze.
    /// * `mmap_size=0`: a truncated file must be an error, not a SIGBUS.
    /// * `wal_autocheckpoint=0`: checkpoints run under the lease, when the session is given back.
    static let connectionSettings = """
        PRAGMA page_size=\(pageSize);
        PRAGMA synchronous=FULL;
        PRAGMA mmap_size=0;
        PRAGMA wal_autocheckpoint=0;
        PRAGMA foreign_keys=OFF;
        PRAGMA trusted_schema=OFF;
        """

    /// Creates version 1.
    static let creation = """
        -- One row. Each commit states the epoch that it believes in, and changes exactly this row.
        CREATE TABLE meta (
            id       INTEGER PRIMARY KEY CHECK (id = 1),
            agent    TEXT    NOT NULL,
            session  TEXT    NOT NULL,
            identity TEXT    NOT NULL,           -- random, made at creation; idempotency keys derive from it
            created  INTEGER NOT NULL,           -- milliseconds since 1970
            epoch    INTEGER NOT NULL,           -- counts the leases that wrote
            owner    TEXT    NOT NULL,           -- the lease that wrote last; empty when its last commit ended a turn
            attempt  TEXT,                       -- the invocation that wrote last
            origin   TEXT                        -- JSON: the session and turn that it was forked from; NULL
        ) STRICT;

        -- Append-only. The conversation is a fold over it.
        CREATE TABLE log (
            seq  INTEGER PRIMARY KEY,
            turn INTEGER NOT NULL,
            kind TEXT    NOT NULL,               -- input, reply, claim, approval, decision, result, refusal,
                                                 -- checkpoint, rewind
            call TEXT,                           -- the tool call that it is about, as reply.index
            body TEXT    NOT NULL,               -- JSON
            at   INTEGER NOT NULL,               -- milliseconds since 1970
            outcome TEXT                         -- JSON: how the turn ended, in the row that ended it; else NULL
        ) STRICT;

        -- A request that is delivered twice gets the same answer: the first outcome of its turn at or behind seq.
        CREATE TABLE requests (
            id   TEXT PRIMARY KEY,
            turn INTEGER NOT NULL,
            seq  INTEGER NOT NULL                -- of its first entry in the log
        ) STRICT, WITHOUT ROWID;

        -- Tool calls that may have taken effect. A second claim of one call is refused here.
        CREATE TABLE calls (
            id      TEXT PRIMARY KEY,            -- as log.call
            tool    TEXT    NOT NULL,
            effect  TEXT    NOT NULL CHECK (effect IN ('idempotent', 'once')),
            state   TEXT    NOT NULL CHECK (state IN ('claimed', 'settled', 'unknown')),
            attempt INTEGER NOT NULL,
            epoch   INTEGER NOT NULL             -- of the lease that claimed it
        ) STRICT, WITHOUT ROWID;

        -- Reserved, so that a file of version 1 has all of them; nothing writes to these three yet.
        -- When the session wants to be called again.
        CREATE TABLE wakes (
            id      TEXT PRIMARY KEY,
            due     INTEGER NOT NULL,            -- milliseconds since 1970
            payload TEXT    NOT NULL             -- JSON
        ) STRICT, WITHOUT ROWID;

        -- What the agent keeps beyond the conversation.
        CREATE TABLE memory (
            path    TEXT PRIMARY KEY,
            text    TEXT    NOT NULL,
            version INTEGER NOT NULL,
            uses    INTEGER NOT NULL DEFAULT 0,
            used    INTEGER,                     -- milliseconds since 1970
            updated INTEGER NOT NULL             -- milliseconds since 1970
        ) STRICT;

        -- What has been spent.
        CREATE TABLE budget (
            name  TEXT PRIMARY KEY,
            spent INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// The tables besides `meta` and `log`, with their columns.
    static let indexes: [(name: String, columns: [String])] = [
        ("requests", ["id", "turn", "seq"]),
        ("calls", ["id", "tool", "effect", "state", "attempt", "epoch"]),
        ("wakes", ["id", "due", "payload"]),
        ("memory", ["path", "text", "version", "uses", "used", "updated"]),
        ("budget", ["name", "spent"]),
    ]
}
