// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a file could not be opened, claimed, locked or released.
public struct FileLockError: Error, Sendable, Equatable {
    /// What went wrong, as an open set: later versions may add codes, so a `switch` needs a `default`.
    public struct Code: Sendable, Hashable {
        private enum Value { case heldElsewhere, claimedHere, tooManyLocks, notRegularFile, ioError }
        private let value: Value

        /// Another process, here or on another client of the file server, holds a conflicting lock.
        public static let heldElsewhere = Code(value: .heldElsewhere)
        /// This process has a claim on the inode, or is closing a descriptor of it at this moment.
        public static let claimedHere = Code(value: .claimedHere)
        /// `ENOLCK`: the kernel's or the file server's limit of locks is reached, or the mount has no locking.
        public static let tooManyLocks = Code(value: .tooManyLocks)
        /// The path names a symbolic link, a folder or a device.
        public static let notRegularFile = Code(value: .notRegularFile)
        /// Any other failure of the system call; `errno` says which.
        public static let ioError = Code(value: .ioError)
    }

    /// What went wrong.
    public let code: Code
    /// The system call, or the operation of this module, that failed.
    public let call: StaticString
    /// The system's error number, where a system call failed.
    public let errno: Int32?
    /// The process that holds the conflicting lock, where it is a process of this machine and was asked for.
    public let holder: Int32?

    /// Whether the same call may succeed later without anybody's help. False for `tooManyLocks`: the same number
    /// also means that the mount has no locking at all.
    public var isRetryable: Bool { code == .heldElsewhere || code == .claimedHere }

    package init(_ code: Code, call: StaticString, errno: Int32? = nil, holder: Int32? = nil) {
        self.code = code
        self.call = call
        self.errno = errno
        self.holder = holder
    }

    /// Translates the error number of a failed `call`.
    package init(errno: Int32, call: StaticString) {
        let code: Code =
            switch errno {
            case ENOLCK: .tooManyLocks
            case ELOOP, EISDIR: .notRegularFile
            default: .ioError
            }
        self.init(code, call: call, errno: errno)
    }

    /// Compares everything but the call site.
    public static func == (a: FileLockError, b: FileLockError) -> Bool {
        a.code == b.code && a.errno == b.errno && a.holder == b.holder
    }
}

extension FileLockError.Code: CustomStringConvertible {
    /// The name of the code, as it is written in source.
    public var description: String { "\(value)" }
}

extension FileLockError: CustomStringConvertible {
    /// The call, the code, the system's words for the error number, and the holder. Never a path.
    public var description: String {
        var text = "\(call): \(code)"
        if let errno { text += " (errno \(errno): \(unsafe String(cString: strerror(errno))))" }
        if let holder { text += ", held by process \(holder)" }
        return text
    }
}
