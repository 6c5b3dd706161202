// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPerdureVFS
import CSQLite

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A call of SQLite that failed, or a use of this module that SQLite was not asked about because it is wrong.
public struct SQLiteError: Error, Sendable {
    /// What went wrong; extended codes are always on.
    public let code: ResultCode
    /// The call that failed, in SQLite's words: `open`, `prepare`, `bind`, `step`, `column`, `close`, ….
    public let call: StaticString
    /// SQLite's explanation. Where it might quote a bound value, the code's general text.
    public let message: String
    /// The statement, with its parameters as placeholders.
    public let sql: String?
    /// The operating system's error number behind an `ioError`, `cannotOpen` or `full`, where there was one.
    public let systemErrno: Int32?
    /// The operation on ``DatabaseFiles`` that failed, now or earlier: it ended the connection.
    public let fileFailure: FileFailure?
    /// The error whose handling failed: what made a transaction roll back, when this error is the rollback's own.
    public let cause: (any Error)?

    /// Whether the same transaction may succeed when it is begun again later: the whole `SQLITE_BUSY` family.
    public var isRetryable: Bool { code.primary == .busy }

    init(
        _ code: ResultCode,
        call: StaticString,
        message: String,
        sql: String? = nil,
        systemErrno: Int32? = nil,
        fileFailure: FileFailure? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.call = call
        self.message = message
        self.sql = sql
        self.systemErrno = systemErrno
        self.fileFailure = fileFailure
        self.cause = cause
    }

    /// The error of the call that has just failed on `database`; nothing else may have been called on it since.
    ///
    /// - Parameter mayQuoteValues: whether values were bound. SQL functions and virtual tables (FTS5, JSON) quote their
    ///   arguments in messages of the generic code, so those messages are replaced.
    init(
        result: Int32,
        database: OpaquePointer?,
        call: StaticString,
        sql: String? = nil,
        mayQuoteValues: Bool = false
    ) {
        let code = ResultCode(rawValue: result)
        let text =
            if unsafe database == nil || (mayQuoteValues && code.primary == .error) {
                unsafe sqlite3_errstr(result)
            } else {
                unsafe sqlite3_errmsg(database)
            }
        let systemErrno: Int32? =
            switch code.primary {
            case .ioError, .cannotOpen, .full: unsafe sqlite3_system_errno(database)
            default: nil
            }
        let failure = unsafe perdure_files_of_connection(database).flatMap { files in unsafe FileFailure(of: files) }
        self.init(
            code, call: call, message: unsafe text.map { unsafe String(cString: $0) } ?? "", sql: sql,
            systemErrno: failure?.errno ?? (systemErrno == 0 ? nil : systemErrno), fileFailure: failure)
    }

    /// What a connection says on files that nothing can be done with any more; nil as long as it can.
    init?(refusedBy files: OpaquePointer, call: StaticString) {
        if unsafe perdure_files_are_withdrawn(files) {
            self.init(.ioError, call: call, message: "the files are not on offer any more", systemErrno: EBADF)
        } else if let failure = unsafe FileFailure(of: files) {
            self.init(
                .ioError, call: call, message: "the connection ended with an error of the file system",
                systemErrno: failure.errno, fileFailure: failure)
        } else {
            return nil
        }
    }

    /// The same error, with what is known of the files.
    func adding(_ failure: FileFailure?) -> SQLiteError {
        SQLiteError(
            code, call: call, message: message, sql: sql, systemErrno: failure?.errno ?? systemErrno,
            fileFailure: failure ?? fileFailure, cause: cause)
    }

    /// The same error, as what happened while `cause` was handled.
    func whileHandling(_ cause: any Error) -> SQLiteError {
        SQLiteError(
            code, call: call, message: message, sql: sql, systemErrno: systemErrno, fileFailure: fileFailure,
            cause: cause)
    }
}

extension SQLiteError: CustomStringConvertible {
    /// The call, the code, the message, the failed operation and the statement; never a bound value.
    public var description: String {
        var text = "\(call): \(code): \(message)"
        if let fileFailure {
            text += " (\(fileFailure))"
        } else if let systemErrno {
            text += " (errno \(systemErrno))"
        }
        if let sql { text += " in: \(sql)" }
        if let cause { text += ", while handling: \(cause)" }
        return text
    }
}
