// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs calls of SQLite and reports their failure in the store's terms.
func sqlite<Result: ~Copyable>(
    at operation: String,
    _ body: () throws(SQLiteError) -> Result
) throws(SessionStoreError) -> Result {
    do throws(SQLiteError) { return try body() } catch { throw SessionStoreError(error, at: operation) }
}

/// Runs calls on files and locks and reports their failure in the store's terms.
func locking<Result: ~Copyable>(_ body: () throws(FileLockError) -> Result) throws(SessionStoreError) -> Result {
    do throws(FileLockError) { return try body() } catch { throw SessionStoreError(error) }
}

/// The errors of the layers below in the store's terms.
extension SessionStoreError {
    /// A caller that finds a session busy does well to wait this long: a turn takes seconds.
    static let suggestedWait = Duration.seconds(1)

    init(_ error: FileLockError) {
        switch error.code {
        case .heldElsewhere, .claimedHere:
            self = .busy
        case .tooManyLocks:
            self.init(
                .inputOutput,
                at: "lease",
                "the file system refuses the lock (ENOLCK): its limit is reached, or it is mounted without locking; EFS "
                    + "has locks for 256 files in a process, which are 128 sessions"
            )
        case .notRegularFile:
            self.init(.foreignFile, at: "lease", "the session's path does not name a regular file")
        default:
            self = .system(error.errno ?? EIO, at: "lease")
        }
    }

    init(_ error: SQLiteError, at operation: String) {
        switch error.code.primary {
        case .full:
            self = .system(error.fileFailure?.errno ?? ENOSPC, at: operation)
        case .readOnly:
            self = .system(EROFS, at: operation)
        case .busy:
            // Another program holds SQLite's locks in a mode that this library does not use.
            self.init(
                .busy,
                at: operation,
                "another program uses the session's file",
                isRetryable: true,
                retryAfter: Self.suggestedWait
            )
        case .corrupt:
            self.init(
                .damaged, at: operation, "the session's file is malformed; restore it from a backup (\(error.call))")
        case .error where error.sql != nil, .mismatch:
            // The statements are this library's own: the tables are not.
            self.init(.damaged, at: operation, "the session's file lacks what a session has; restore it from a backup")
        case .notADatabase:
            self.init(.foreignFile, at: operation, "the session's file is not a database")
        case .cannotOpen, .ioError:
            switch error.systemErrno {
            case ENOSPC?, EDQUOT?, EROFS?, EACCES?:
                self = .system(error.systemErrno ?? EIO, at: operation)
            default:
                self.init(.inputOutput, at: operation, error.description)
            }
        default:
            self.init(.inputOutput, at: operation, error.description)
        }
    }

    static func system(_ number: Int32, at operation: String) -> SessionStoreError {
        let reason = unsafe String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT:
            return SessionStoreError(
                .full, at: operation, "\(reason): nothing of this commit was kept; free some space")
        case EROFS, EACCES, EPERM:
            return SessionStoreError(
                .readOnly,
                at: operation,
                "\(reason): the session's folder must be writable for the function's user"
            )
        default:
            return SessionStoreError(.inputOutput, at: operation, "\(reason) (errno \(number))")
        }
    }

    static func opening(root: String, errno number: Int32) -> SessionStoreError {
        let reason = unsafe String(cString: strerror(number))
        return SessionStoreError(
            number == EROFS ? .readOnly : .unusableRoot,
            at: "open root",
            "\(root): \(reason); mount the file system there with write access, or set PERDURE_ROOT to a folder; a "
                + "missing one is created where the folder above it exists"
        )
    }

    static let busy = SessionStoreError(
        .busy,
        at: "lease",
        "another invocation holds the session",
        isRetryable: true,
        retryAfter: suggestedWait
    )

    static let inboxBusy = SessionStoreError(
        .busy,
        at: "lock inbox",
        "another invocation uses the session's inbox",
        isRetryable: true,
        retryAfter: suggestedWait
    )

    static let replaced = SessionStoreError(
        .busy,
        at: "open",
        "the session's files were replaced while they were opened",
        isRetryable: true,
        retryAfter: .milliseconds(100)
    )

    static let noSuchSession = SessionStoreError(.noSuchSession, at: "open", "the agent has no session of that id")

    package static func released(at operation: String) -> SessionStoreError {
        SessionStoreError(.released, at: operation, "the session is not leased any more")
    }
}
