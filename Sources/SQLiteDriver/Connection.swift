// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// A connection to one database file, used by one owner at a time.
///
/// It blocks its thread for as long as the file system takes. Nothing here waits for locks: a conflict is
/// `SQLITE_BUSY` at once. No global state of SQLite is changed, but for the file layer that `DatabaseFiles` adds to its
/// list, and no callback is installed.
///
/// What is set on every connection, in the words of SQLite's manual:
/// - `SQLITE_OPEN_NOMUTEX`: *"The new database connection will use the 'multi-thread' threading mode"*, in which the
///   owner, not SQLite, sees to it that calls do not overlap. The class is not `Sendable` for that reason.
/// - `SQLITE_OPEN_EXRESCODE`: extended result codes, which *"are disabled by default for historical compatibility"*;
///   a failed `fsync` and a failed `read` are different news.
/// - `SQLITE_DBCONFIG_DEFENSIVE` on: *"language features that allow ordinary SQL to deliberately corrupt the database
///   file are disabled"*.
/// - `SQLITE_DBCONFIG_TRUSTED_SCHEMA` off, so that SQLite does not *"assume that database schemas are untainted by
///   malicious content"*: *"all applications are advised to turn it off if possible"*.
/// - `SQLITE_DBCONFIG_DQS_DML` and `_DQS_DDL` off: without *"the legacy double-quoted string literal misfeature"* a
///   misspelt column is an error and not a text.
///
/// Statements of `query` and `run` stay prepared for the life of the connection, up to a fixed number of them.
@safe public final class Connection {
    /// What may be done with the file.
    public enum Mode: Sendable {
        /// Reading an existing file.
        case readOnly
        /// Reading and writing an existing file.
        case readWrite
        /// Reading and writing, and creating the file where it does not exist.
        case create
    }

    /// A fixed program has a fixed set of statements; this bounds one that builds SQL at run time.
    private static let cacheLimit = 64

    private var database: OpaquePointer?
    /// The files that it works on without opening them, if it does; valid as long as the database is open.
    var files: OpaquePointer?
    private var idle: [String: StatementHandle] = [:]

    /// Opens a database. The file itself is not read before the first statement.
    ///
    /// - Parameters:
    ///   - path: a path, `:memory:`, or the empty string for a temporary file. Never read as a URI.
    ///   - vfs: the name of a registered VFS, such as `unix-none`; nil for the default.
    ///   - mode: what may be done with the file.
    /// - Throws: `.cannotOpen` and whatever else SQLite reports; `.misuse` for a path with a NUL character in it.
    public init(path: String, vfs: String? = nil, mode: Mode = .create) throws(SQLiteError) {
        if path.utf8.contains(0) {
            throw SQLiteError(.misuse, call: "open", message: "the path contains a NUL character")
        }
        // Builds with SQLITE_USE_URI (Debian's) read "file:…" as a URI whatever the flags say; "./file:…" is a path.
        let name = path.hasPrefix("file:") ? "./" + path : path
        let flags = mode.flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        var opened: OpaquePointer?
        let result = unsafe sqlite3_open_v2(name, &opened, flags, vfs)
        unsafe database = unsafe opened
        do throws(SQLiteError) {
            try unsafe check(result, "open", on: opened)
            try set(SQLITE_DBCONFIG_DEFENSIVE, true)
            try set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
            try set(SQLITE_DBCONFIG_DQS_DML, false)
            try set(SQLITE_DBCONFIG_DQS_DDL, false)
        } catch {
            // "Whether or not an error occurs when it is opened, resources associated with the database connection
            // handle should be released by passing it to sqlite3_close()": deinit does, as all is initialized.
            throw error
        }
    }

    deinit {
        idle.removeAll()
        // A net; nobody is there to be told of an error. The "_v2" waits for a statement that is destroyed together with
        // this connection but after it.
        _ = unsafe sqlite3_close_v2(database)
    }

    /// Closes the connection: every descriptor of the file, and with them **all POSIX locks of this process on it**. A
    /// connection on `DatabaseFiles` has no descriptors of its own, and closes none.
    ///
    /// The last connection to a WAL database writes a checkpoint first, unless `setCheckpointOnClose(false)` was called.
    /// Closing twice does nothing.
    ///
    /// - Throws: `.busy` while a `Statement` of this connection exists or a query is running; the connection stays open.
    public func close() throws(SQLiteError) {
        guard let database = unsafe database else { return }
        idle.removeAll()
        let result = unsafe sqlite3_close(database)
        try unsafe check(result, "close", on: database)
        unsafe self.database = nil
        unsafe files = nil
    }

    /// The open handle.
    func open(_ call: StaticString) throws(SQLiteError) -> OpaquePointer {
        guard let database = unsafe database else {
            throw SQLiteError(.misuse, call: call, message: "the connection is closed")
        }
        if let files = unsafe files, let refusal = unsafe SQLiteError(refusedBy: files, call: call) { throw refusal }
        return unsafe database
    }

    /// Throws unless `result` is SQLITE_OK. To be called on the line after the call that returned it.
    func check(_ result: Int32, _ call: StaticString, on database: OpaquePointer?, sql: String? = nil)
        throws(SQLiteError)
    {
        if result != SQLITE_OK {
            throw unsafe SQLiteError(result: result, database: database, call: call, sql: sql)
        }
    }

    /// Sets a switch of sqlite3_db_config and makes sure that it was taken over.
    func set(_ option: Int32, _ isOn: Bool) throws(SQLiteError) {
        let database = try unsafe open("db_config")
        var now: Int32 = -1
        let result = unsafe csqlite_db_config(database, option, isOn ? 1 : 0, &now)
        try unsafe check(result, "db_config", on: database)
        if now != (isOn ? 1 : 0) {
            throw SQLiteError(.error, call: "db_config", message: "this build of SQLite refuses switch \(option)")
        }
    }

    /// Runs `body` with a kept statement for `sql`. While one is in use, a nested use of the same text gets its own.
    func withStatement<Result>(
        _ sql: String,
        _ body: (StatementHandle) throws(SQLiteError) -> Result
    ) throws(SQLiteError) -> Result {
        let database = try unsafe open("prepare")
        let handle =
            if let kept = idle.removeValue(forKey: sql) {
                kept
            } else {
                try unsafe StatementHandle(database: database, sql: sql, isKept: true)
            }
        defer {
            if idle.count >= Self.cacheLimit { idle.removeAll() }
            idle[sql] = handle
        }
        return try body(handle)
    }
}

extension Connection.Mode {
    fileprivate var flags: Int32 {
        switch self {
        case .readOnly: SQLITE_OPEN_READONLY
        case .readWrite: SQLITE_OPEN_READWRITE
        case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        }
    }
}
