// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The tables of a session file.
enum Schema {
    /// `PRAGMA user_version`. A file with a higher one is refused.
    static let version = 1
    /// `PRAGMA application_id`: "PERD" in ASCII. `file(1)` and this library tell session files from others by it.
    static let applicationID: Int64 = 0x5045_5244

    /// The size of a page of the database.
    static let pageSize: Int64 = 16_384

    /// Settings of the connection, before its first access to the file. `Schema.useLog` follows them.
    ///
    /// * `page_size=16384`: a cold tail of 20 entries of 2 KB is 2 to 4 reads instead of 18 to 24.
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
            owner    TEXT    NOT NULL,           -- the lease that wrote last
            attempt  TEXT                        -- the invocation that wrote last
        ) STRICT;

        -- Append-only. The conversation is a fold over it.
        CREATE TABLE log (
            seq  INTEGER PRIMARY KEY,
            turn INTEGER NOT NULL,
            kind TEXT    NOT NULL,               -- input, reply, claim, approval, decision, result, refusal
            call TEXT,                           -- the tool call that it is about, as reply.index
            body TEXT    NOT NULL,               -- JSON
            at   INTEGER NOT NULL                -- milliseconds since 1970
        ) STRICT;

        -- A request that is delivered twice gets the same answer.
        CREATE TABLE requests (
            id      TEXT PRIMARY KEY,
            turn    INTEGER NOT NULL,
            outcome TEXT                         -- JSON; NULL while the turn is open
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX open_requests ON requests (turn) WHERE outcome IS NULL;

        -- Tool calls that may have taken effect. A second claim of one call is refused here.
        CREATE TABLE calls (
            id      TEXT PRIMARY KEY,            -- as log.call
            tool    TEXT    NOT NULL,
            effect  TEXT    NOT NULL CHECK (effect IN ('idempotent', 'once')),
            state   TEXT    NOT NULL CHECK (state IN ('claimed', 'settled', 'unknown')),
            attempt INTEGER NOT NULL,
            epoch   INTEGER NOT NULL             -- of the lease that claimed it
        ) STRICT, WITHOUT ROWID;
        """
}
