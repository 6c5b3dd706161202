// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPerdureVFS

/// Something that is done to a database's files, by the name that errors and fault plans use for it.
public struct FileOperation: Hashable, Sendable, CaseIterable {
    let number: Int32

    private init(_ number: Int) { self.number = Int32(number) }

    /// `db.open`: opening the database.
    public static let databaseOpen = FileOperation(PERDURE_DB_OPEN)
    /// `db.read`: reading from the database.
    public static let databaseRead = FileOperation(PERDURE_DB_READ)
    /// `db.write`: writing to the database, which only a checkpoint does once the database has a log.
    public static let databaseWrite = FileOperation(PERDURE_DB_WRITE)
    /// `db.sync`: syncing the database.
    public static let databaseSync = FileOperation(PERDURE_DB_SYNC)
    /// `db.truncate`: cutting the database.
    public static let databaseTruncate = FileOperation(PERDURE_DB_TRUNCATE)
    /// `db.size`: asking for the database's size.
    public static let databaseSize = FileOperation(PERDURE_DB_SIZE)
    /// `wal.open`: opening the log.
    public static let logOpen = FileOperation(PERDURE_WAL_OPEN)
    /// `wal.read`: reading from the log.
    public static let logRead = FileOperation(PERDURE_WAL_READ)
    /// `wal.write`: writing to the log, once for each commit that is not larger than 1 MiB.
    public static let logWrite = FileOperation(PERDURE_WAL_WRITE)
    /// `wal.sync`: syncing the log, once for each commit.
    public static let logSync = FileOperation(PERDURE_WAL_SYNC)
    /// `wal.truncate`: cutting the log.
    public static let logTruncate = FileOperation(PERDURE_WAL_TRUNCATE)
    /// `wal.size`: asking for the log's size.
    public static let logSize = FileOperation(PERDURE_WAL_SIZE)
    /// `dir.sync`: syncing the folder of the two files.
    public static let folderSync = FileOperation(PERDURE_DIR_SYNC)
    /// `lock.db`: locking the database.
    public static let lockDatabase = FileOperation(PERDURE_LOCK_DB)
    /// `lock.wal`: locking the log.
    public static let lockLog = FileOperation(PERDURE_LOCK_WAL)
    /// `unlock.db`: unlocking the database.
    public static let unlockDatabase = FileOperation(PERDURE_UNLOCK_DB)
    /// `unlock.wal`: unlocking the log.
    public static let unlockLog = FileOperation(PERDURE_UNLOCK_WAL)
    /// `wal.remove`: removing the log, so that the next lease begins another one.
    public static let logRemove = FileOperation(PERDURE_WAL_REMOVE)
    /// `dir.unlink`: removing one of the files, or their folder.
    public static let folderUnlink = FileOperation(PERDURE_DIR_UNLINK)

    /// `inbox.open`: opening a session's inbox.
    public static let inboxOpen = FileOperation(PERDURE_INBOX_OPEN)
    /// `inbox.lock`: locking the inbox, for a moment or for as long as somebody attends to it.
    public static let inboxLock = FileOperation(PERDURE_INBOX_LOCK)
    /// `inbox.size`: asking for the inbox's size.
    public static let inboxSize = FileOperation(PERDURE_INBOX_SIZE)
    /// `inbox.read`: reading the inbox.
    public static let inboxRead = FileOperation(PERDURE_INBOX_READ)
    /// `inbox.write`: writing a message to the inbox.
    public static let inboxWrite = FileOperation(PERDURE_INBOX_WRITE)
    /// `inbox.sync`: syncing the inbox.
    public static let inboxSync = FileOperation(PERDURE_INBOX_SYNC)
    /// `inbox.truncate`: cutting the inbox.
    public static let inboxTruncate = FileOperation(PERDURE_INBOX_TRUNCATE)
    /// `inbox.unlock`: unlocking the inbox.
    public static let inboxUnlock = FileOperation(PERDURE_INBOX_UNLOCK)

    /// All of them.
    public static var allCases: [FileOperation] { (0..<PERDURE_OPERATIONS).map { FileOperation($0) } }

    /// The operation of that name; nil for another text.
    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = found
    }

    init(number: Int32) { self.number = number }
}

extension FileOperation: CustomStringConvertible {
    /// The name: the file and the operation, such as `wal.write`.
    public var description: String {
        unsafe perdure_operation_name(number).map { unsafe String(cString: $0) } ?? "file.\(number)"
    }
}

/// The operation that failed, and with which a connection on ``DatabaseFiles`` ended.
public struct FileFailure: Sendable, Hashable, CustomStringConvertible {
    /// What was being done.
    public let operation: FileOperation
    /// Where in the file; nil for operations that have no place.
    public let offset: Int64?
    /// The system's error number.
    public let errno: Int32

    /// The first failure of the files; nil when there was none.
    init?(of files: OpaquePointer) {
        var failure = perdure_failure()
        guard unsafe perdure_files_failure(files, &failure) else { return nil }
        operation = FileOperation(number: failure.operation)
        offset = failure.offset < 0 ? nil : failure.offset
        errno = failure.error
    }

    /// The operation, the place and the error number.
    public var description: String {
        "\(operation)\(offset.map { " at byte \($0)" } ?? "") failed with errno \(errno)"
    }
}
