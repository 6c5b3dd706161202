// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// How far a checkpoint goes.
public enum CheckpointMode: Sendable {
    /// *"Checkpoint as many frames as possible without waiting for any database readers or writers."*
    case passive
    /// All frames; needs that nobody writes.
    case full
    /// Like full, and the next writer starts the WAL from its beginning.
    case restart
    /// Like restart, and *"it also truncates the log file to zero bytes just prior to a successful return"*.
    case truncate
}

/// What a checkpoint found and did. Both are -1 for a database that is not in WAL mode.
public struct CheckpointResult: Sendable, Equatable {
    /// Frames in the WAL; 0 after a `truncate` that worked.
    public let walFrames: Int
    /// Frames of them that are in the database file now, earlier checkpoints included.
    public let checkpointedFrames: Int
}

extension Connection {
    /// Whether the WAL file stays in place, emptied, when the last connection closes (`SQLITE_FCNTL_PERSIST_WAL`).
    /// Normally it is deleted; *"Setting persistent WAL mode causes those files to persist after close."*.
    ///
    /// - Throws: `.notFound` when the VFS does not know the setting.
    public func setPersistentWAL(_ isOn: Bool) throws(SQLiteError) {
        let database = try unsafe open("file_control")
        let result = unsafe csqlite_set_persist_wal(database, isOn ? 1 : 0)
        try unsafe check(result, "file_control", on: database)
    }

    /// Whether closing the last connection to a WAL database *"performs a checkpoint operation before closing the
    /// connection"*, which it does unless told otherwise (`SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE`). Without it the WAL file
    /// keeps its frames, and closing writes nothing.
    public func setCheckpointOnClose(_ isOn: Bool) throws(SQLiteError) {
        try set(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !isOn)
    }

    /// Copies committed frames of the main database's WAL into the database file. Syncs the WAL before and the database
    /// after, and writes every page that changed since the last checkpoint.
    ///
    /// - Throws: `.busy` when another connection stands in the way; `.locked` inside a write transaction.
    @discardableResult
    public func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> CheckpointResult {
        let database = try unsafe open("wal_checkpoint")
        var frames: Int32 = 0
        var done: Int32 = 0
        let result = unsafe sqlite3_wal_checkpoint_v2(database, "main", mode.flag, &frames, &done)
        try unsafe check(result, "wal_checkpoint", on: database)
        return CheckpointResult(walFrames: Int(frames), checkpointedFrames: Int(done))
    }

    /// The 32-bit number in the file's header that is free for the application (`PRAGMA user_version`); 0 in a new file.
    public var userVersion: Int32 {
        get throws(SQLiteError) {
            let found = try query("PRAGMA user_version") { row throws(SQLiteError) in try row.int(0) }
            return Int32(truncatingIfNeeded: found.first ?? 0)
        }
    }

    /// Writes `userVersion`, in the current transaction if there is one.
    public func setUserVersion(_ version: Int32) throws(SQLiteError) {
        // A pragma takes no parameters; the value is a number, so nothing can be injected.
        try execute("PRAGMA user_version = \(version)")
    }
}

extension CheckpointMode {
    fileprivate var flag: Int32 {
        switch self {
        case .passive: SQLITE_CHECKPOINT_PASSIVE
        case .full: SQLITE_CHECKPOINT_FULL
        case .restart: SQLITE_CHECKPOINT_RESTART
        case .truncate: SQLITE_CHECKPOINT_TRUNCATE
        }
    }
}
