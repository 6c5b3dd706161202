// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CSQLite

/// A result code of SQLite, primary or extended: an open set, compared by number.
///
/// The numbers are those of SQLite's "Result and Error Codes" page. The importer does not see macros that shift, so
/// the extended ones are spelled out here; a test compares them with the header's definition of an extended code.
public struct ResultCode: RawRepresentable, Hashable, Sendable {
    /// The number as SQLite reports it.
    public let rawValue: Int32

    /// Takes any number, known or not.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The family: the low 8 bits of an extended code, the code itself otherwise.
    public var primary: ResultCode { ResultCode(rawValue: rawValue & 0xff) }

    /// The call succeeded.
    public static let ok = ResultCode(rawValue: 0)
    /// Generic: bad SQL, a missing table, a failing SQL function.
    public static let error = ResultCode(rawValue: 1)
    /// A conflict within this connection.
    public static let locked = ResultCode(rawValue: 6)
    /// Another connection holds a conflicting lock, or a statement is unfinished.
    public static let busy = ResultCode(rawValue: 5)
    /// No memory.
    public static let outOfMemory = ResultCode(rawValue: 7)
    /// A write to a read-only database.
    public static let readOnly = ResultCode(rawValue: 8)
    /// The operation was interrupted.
    public static let interrupted = ResultCode(rawValue: 9)
    /// The file system reported an error; the extended code says at what.
    public static let ioError = ResultCode(rawValue: 10)
    /// The file is malformed.
    public static let corrupt = ResultCode(rawValue: 11)
    /// The VFS does not know a control code.
    public static let notFound = ResultCode(rawValue: 12)
    /// The disk, the quota or `max_page_count` is exhausted.
    public static let full = ResultCode(rawValue: 13)
    /// A file could not be opened.
    public static let cannotOpen = ResultCode(rawValue: 14)
    /// The schema changed too often while a statement was prepared.
    public static let schemaChanged = ResultCode(rawValue: 17)
    /// A text or blob exceeds the limit (1,000,000,000 bytes unless built otherwise).
    public static let tooBig = ResultCode(rawValue: 18)
    /// A constraint failed; the extended code says which kind.
    public static let constraint = ResultCode(rawValue: 19)
    /// A value is not of the type that was asked for.
    public static let mismatch = ResultCode(rawValue: 20)
    /// The interface was used wrongly: closed, nested, cut or surplus SQL.
    public static let misuse = ResultCode(rawValue: 21)
    /// No such parameter or column.
    public static let outOfRange = ResultCode(rawValue: 25)
    /// The file is not a database.
    public static let notADatabase = ResultCode(rawValue: 26)

    // Extended codes.

    /// Another process is recovering the WAL.
    public static let busyRecovery = ResultCode(rawValue: 261)
    /// A read transaction cannot become a writer: somebody wrote since it began.
    public static let busySnapshot = ResultCode(rawValue: 517)
    /// Reading failed.
    public static let ioErrorRead = ResultCode(rawValue: 266)
    /// The file is shorter than it has to be.
    public static let ioErrorShortRead = ResultCode(rawValue: 522)
    /// Writing failed.
    public static let ioErrorWrite = ResultCode(rawValue: 778)
    /// `fsync` failed: what was written before may be lost.
    public static let ioErrorSync = ResultCode(rawValue: 1034)
    /// Truncating failed.
    public static let ioErrorTruncate = ResultCode(rawValue: 1546)
    /// Locking failed for another reason than a conflict.
    public static let ioErrorLock = ResultCode(rawValue: 3850)
    /// Unlocking failed.
    public static let ioErrorUnlock = ResultCode(rawValue: 2058)
    /// A CHECK constraint failed.
    public static let constraintCheck = ResultCode(rawValue: 275)
    /// A foreign key constraint failed.
    public static let constraintForeignKey = ResultCode(rawValue: 787)
    /// A NOT NULL constraint failed.
    public static let constraintNotNull = ResultCode(rawValue: 1299)
    /// The primary key exists.
    public static let constraintPrimaryKey = ResultCode(rawValue: 1555)
    /// A trigger raised ABORT, FAIL or ROLLBACK.
    public static let constraintTrigger = ResultCode(rawValue: 1811)
    /// A UNIQUE constraint failed.
    public static let constraintUnique = ResultCode(rawValue: 2067)
    /// The rowid exists.
    public static let constraintRowID = ResultCode(rawValue: 2579)
    /// A value does not fit the column type of a STRICT table.
    public static let constraintDataType = ResultCode(rawValue: 3091)
}

extension ResultCode: CustomStringConvertible {
    /// SQLite's name of the code; for unknown extended codes the family's name and the number.
    public var description: String {
        if let name = Self.names[rawValue] { return name }
        if let family = Self.names[primary.rawValue] { return "\(family) (\(rawValue))" }
        return "SQLite result \(rawValue)"
    }

    private static let names: [Int32: String] = [
        0: "SQLITE_OK",
        1: "SQLITE_ERROR",
        6: "SQLITE_LOCKED",
        5: "SQLITE_BUSY",
        7: "SQLITE_NOMEM",
        8: "SQLITE_READONLY",
        9: "SQLITE_INTERRUPT",
        10: "SQLITE_IOERR",
        11: "SQLITE_CORRUPT",
        12: "SQLITE_NOTFOUND",
        13: "SQLITE_FULL",
        14: "SQLITE_CANTOPEN",
        17: "SQLITE_SCHEMA",
        18: "SQLITE_TOOBIG",
        19: "SQLITE_CONSTRAINT",
        20: "SQLITE_MISMATCH",
        21: "SQLITE_MISUSE",
        25: "SQLITE_RANGE",
        26: "SQLITE_NOTADB",
        261: "SQLITE_BUSY_RECOVERY",
        517: "SQLITE_BUSY_SNAPSHOT",
        266: "SQLITE_IOERR_READ",
        522: "SQLITE_IOERR_SHORT_READ",
        778: "SQLITE_IOERR_WRITE",
        1034: "SQLITE_IOERR_FSYNC",
        1546: "SQLITE_IOERR_TRUNCATE",
        3850: "SQLITE_IOERR_LOCK",
        2058: "SQLITE_IOERR_UNLOCK",
        275: "SQLITE_CONSTRAINT_CHECK",
        787: "SQLITE_CONSTRAINT_FOREIGNKEY",
        1299: "SQLITE_CONSTRAINT_NOTNULL",
        1555: "SQLITE_CONSTRAINT_PRIMARYKEY",
        1811: "SQLITE_CONSTRAINT_TRIGGER",
        2067: "SQLITE_CONSTRAINT_UNIQUE",
        2579: "SQLITE_CONSTRAINT_ROWID",
        3091: "SQLITE_CONSTRAINT_DATATYPE",
    ]
}
