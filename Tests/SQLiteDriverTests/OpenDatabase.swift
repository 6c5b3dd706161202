// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver

/// A database with a log in a fresh folder, opened by the test and offered to connections.
final class OpenDatabase {
    let folder: TemporaryFolder
    let path: String
    private(set) var files: DatabaseFiles
    let database: Int32
    let log: Int32

    init(in folder: TemporaryFolder, named name: String = "s.db") throws {
        self.folder = folder
        path = folder.path(name)
        database = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        log = open(path + "-wal", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        files = try DatabaseFiles(path: path, database: database, log: log)
    }

    convenience init() throws { try self.init(in: TemporaryFolder()) }

    /// Opens a connection as a session store does.
    func connect(synchronous: String = "FULL") throws -> Connection {
        let connection = try Connection(files: files)
        try connection.setCheckpointOnClose(false)
        try connection.execute(
            "PRAGMA page_size=16384; PRAGMA synchronous=\(synchronous); PRAGMA wal_autocheckpoint=0")
        if try text(connection, "PRAGMA journal_mode") != "wal" {
            try connection.execute("PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL")
        }
        return connection
    }

    /// Opens a connection and creates a table of texts, all of it in the database.
    func create() throws -> Connection {
        let connection = try connect()
        try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        try connection.checkpoint(.truncate)
        return connection
    }

    /// All operations on the files so far.
    var operations: Int { FileOperation.allCases.reduce(0) { $0 + files.count(of: $1) } }

    func logSize() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
    }

    deinit {
        close(database)
        close(log)
    }
}

/// The only text that a statement returns.
func text(_ connection: Connection, _ sql: String) throws(SQLiteError) -> String? {
    try connection.query(sql) { row throws(SQLiteError) in try row.text(0) }.first
}

/// The only number that a statement returns.
func number(_ connection: Connection, _ sql: String) throws(SQLiteError) -> Int64? {
    try connection.query(sql) { row throws(SQLiteError) in try row.int(0) }.first
}
