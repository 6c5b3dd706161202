// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The tables of a session file.
enum Schema {
    /// `PRAGMA user_version`. A file with a higher one is refused, and one with a lower one is brought up to it.
    static let version = 1
    /// `PRAGMA application_id`: "PERD" in ASCII. `file(1)` and this library tell session files from others by it.
    static let applicationID: Int64 = 0x5045_5244

    /// The size of a page of the database.
    static let pageSize: Int64 = 2048

    /// Settings of the connection, before its first access to the file. `Schema.useLog` follows them.
    ///
    /// * `page_size=2048`: a commit writes whole pages, most of them for a few bytes (the epoch, the size of the file, an
    ///   index). Measured as by `make bench-store`, for two messages of 2 KiB: the bytes of a commit of both, the database's
    ///   size as a multiple of the text, and the reads of the newest 20 entries among 10,000:
    ///
    ///       1,024     8.9 KB   1.07   54
    ///       2,048    13.1 KB   1.13   31
    ///       4,096    24.7 KB   2.01   26
    ///
    ///   A page of 4 KiB holds one such message and is half empty; with the smaller ones most of a message is in overflow
    ///   pages, which are full. Pages smaller than a sector ask no more of a disk than the log does, whose frames are
    ///   aligned to nothing: that bytes beside a write keep their value (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
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
            kind TEXT    NOT NULL,               -- input, reply, claim, approval, decision, step, result,
                                                 -- refusal, checkpoint, rewind
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

        -- Large results, beside the log because each turn reads the log. The newest turn has the valid one of a name.
        CREATE TABLE attachments (
            id    INTEGER PRIMARY KEY,           -- random, so that none is given out twice
            name  TEXT    NOT NULL,
            turn  INTEGER NOT NULL,              -- the newest one when the attachment was begun
            size  INTEGER,                       -- in bytes; NULL until the last part is there
            epoch INTEGER NOT NULL,              -- of the lease that writes it: without a size, and of an earlier one, it
                                                 -- is what a crash has left
            at    INTEGER NOT NULL               -- milliseconds since 1970
        ) STRICT;
        CREATE UNIQUE INDEX attachment_names ON attachments (name, turn) WHERE size IS NOT NULL;

        -- Their bytes, without gaps.
        CREATE TABLE attachment_parts (
            attachment INTEGER NOT NULL,
            start      INTEGER NOT NULL,         -- where in the attachment the part begins
            body       BLOB    NOT NULL,
            PRIMARY KEY (attachment, start)
        ) STRICT;
        """

    /// The tables besides `meta`, `log` and the attachments, with their columns. Those of ``addedWhenUsed`` may be missing.
    static let indexes: [(name: String, columns: [String])] = [
        ("requests", ["id", "turn", "seq"]),
        ("calls", ["id", "tool", "effect", "state", "attempt", "epoch"]),
        ("memory", ["path", "text", "version", "uses", "used", "updated"]),
        ("applied", ["id", "key", "answer"]),
    ]
}
