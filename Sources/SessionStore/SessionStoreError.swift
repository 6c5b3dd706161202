// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What went wrong in the session store.
public struct SessionStoreError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure. More may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case invalidName, noSuchSession, busy, fenced, alreadyClaimed, duplicateRequest, readOnly, full
            case emptyCommit, unusableRoot, unsafeMount, damaged, newerSchema, foreignFile, inputOutput, released
            case noSuchTurn, alreadyExists, invalidArchive, notDamaged, tooManyLeases, noSuchAttachment, tooLarge
            case noSuchMemory
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// A session id or an agent's name that is not accepted.
        public static let invalidName = Code(.invalidName)
        /// The session does not exist.
        public static let noSuchSession = Code(.noSuchSession)
        /// Another invocation holds the session. Try again after ``SessionStoreError/retryAfter``.
        public static let busy = Code(.busy)
        /// Another invocation has taken the session over: nothing of this commit was written.
        public static let fenced = Code(.fenced)
        /// A tool call was claimed before: its tool must not run.
        public static let alreadyClaimed = Code(.alreadyClaimed)
        /// The request id is in the session already.
        public static let duplicateRequest = Code(.duplicateRequest)
        /// The file system is mounted read-only, or the files' permissions forbid writing.
        public static let readOnly = Code(.readOnly)
        /// The file system or the quota is full.
        public static let full = Code(.full)
        /// A commit without entries: there is no turn that its outcome could belong to.
        public static let emptyCommit = Code(.emptyCommit)
        /// The root folder cannot be used.
        public static let unusableRoot = Code(.unusableRoot)
        /// The root folder is on a file system that is mounted in a way that loses or mixes up what is written.
        public static let unsafeMount = Code(.unsafeMount)
        /// The file does not hold what was written to it.
        public static let damaged = Code(.damaged)
        /// The file was written by a newer version of this library.
        public static let newerSchema = Code(.newerSchema)
        /// The file is a database, but not a session; or it is another session's.
        public static let foreignFile = Code(.foreignFile)
        /// Reading, writing or locking failed.
        public static let inputOutput = Code(.inputOutput)
        /// The lease was given back, or died with an earlier error.
        public static let released = Code(.released)

        /// The conversation cannot go back to that turn, or no checkpoint has that label.
        public static let noSuchTurn = Code(.noSuchTurn)
        /// A session of that id has a history already, or a memory is where another one is to be.
        public static let alreadyExists = Code(.alreadyExists)
        /// What was to be imported is no session, or not one that this library understands.
        public static let invalidArchive = Code(.invalidArchive)
        /// Nothing of what was found in the session is damage: it stays where it is.
        public static let notDamaged = Code(.notDamaged)

        /// As many sessions are leased as the store may lease at once. Try again after ``SessionStoreError/retryAfter``.
        public static let tooManyLeases = Code(.tooManyLeases)
        /// The session has no such attachment, or not any more.
        public static let noSuchAttachment = Code(.noSuchAttachment)
        /// An attachment that is longer than ``StoredAttachment/maximumSize``, or a memory longer than
        /// ``MemoryEntry/maximumSize``.
        public static let tooLarge = Code(.tooLarge)
        /// There is no memory at that path.
        public static let noSuchMemory = Code(.noSuchMemory)

        /// The name of the code.
        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// The operation that failed, as this library names it.
    public let operation: String
    /// What happened and what to do about it. Never holds texts of a conversation.
    public let detail: String
    /// Whether the same call can succeed later without anybody doing anything.
    public let isRetryable: Bool
    /// With ``Code/busy`` and ``Code/tooManyLeases``: when to try again.
    public let retryAfter: Duration?

    init(_ code: Code, at operation: String, _ detail: String, isRetryable: Bool = false, retryAfter: Duration? = nil) {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    static func invalidName(_ detail: String) -> SessionStoreError {
        SessionStoreError(.invalidName, at: "validate", detail)
    }

    /// The code, the operation and the detail; for a damaged session also the command that says more.
    public var description: String {
        "\(code) at \(operation): \(detail)"
            + (code == .damaged || code == .foreignFile ? "; `perdure verify` says what is wrong with it" : "")
    }
}
