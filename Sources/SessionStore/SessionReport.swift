// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the verification of one session came to.
public struct SessionReport: Sendable, Hashable {
    /// The session's folder, below the root.
    public let folder: String
    /// The names that the file says it was created under; nil when it does not say.
    public internal(set) var names: SessionNames?
    /// The number of entries of the log that were read.
    public internal(set) var entries = 0
    /// The turn of the newest entry that was read.
    public internal(set) var turns = 0
    /// The size of the database and its log, in bytes.
    public internal(set) var bytes: Int64 = 0
    /// The number of messages that wait in the inbox.
    public internal(set) var messages = 0
    /// Whether somebody holds the session, so that it was not looked at.
    public internal(set) var isBusy = false
    /// What is wrong, in the order in which it was found; at most ``maximumFindings``.
    public private(set) var findings: [SessionFinding] = []

    /// How many findings a report holds at most: the first ones tell what happened.
    public static let maximumFindings = 100

    init(folder: String) { self.folder = folder }

    /// Whether it was looked at and nothing is wrong.
    public var isSound: Bool { !isBusy && findings.isEmpty }

    /// Whether one of the findings is damage: see ``SessionFinding/Kind/isDamage``.
    public var isDamaged: Bool { findings.contains { $0.kind.isDamage } }

    mutating func add(_ kind: SessionFinding.Kind, _ detail: String) {
        let finding = SessionFinding(kind: kind, detail: detail)
        // A page that cannot be read is met more than once.
        guard findings.count < Self.maximumFindings, !findings.contains(finding) else { return }
        findings.append(finding)
    }

    mutating func add(_ error: SessionStoreError) {
        switch error.code {
        case .busy: isBusy = true
        case .damaged: add(.malformed, error.detail)
        case .foreignFile: add(.foreignFile, error.detail)
        case .newerSchema: add(.newerSchema, error.detail)
        default: add(.inputOutput, "\(error.operation): \(error.detail)")
        }
    }
}

/// Something that is wrong with a session's files.
public struct SessionFinding: Sendable, Hashable, CustomStringConvertible {
    /// The kinds of findings. More may be added.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case inputOutput, newerSchema, missingLog, unwritten, pendingJournal, brokenInbox
            case lostDatabase, foreignFile, malformed, wrongPlace, brokenLog, unreadableEntry, brokenOrder
            case requests, calls, attachments
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// Reading, locking or opening failed: the mount, a permission or a limit, not necessarily the file.
        public static let inputOutput = Kind(.inputOutput)
        /// The file was written by a newer version of this library, and nothing else was looked at.
        public static let newerSchema = Kind(.newerSchema)
        /// There is no write-ahead log: another program has emptied and removed it, or it was lost with its commits.
        public static let missingLog = Kind(.missingLog)
        /// The database is empty: a creation was cut off, or everything was lost.
        public static let unwritten = Kind(.unwritten)
        /// Another program was interrupted while it wrote; the next lease rolls its changes back.
        public static let pendingJournal = Kind(.pendingJournal)
        /// Something in the inbox is no message: one that was left there may be lost.
        public static let brokenInbox = Kind(.brokenInbox)
        /// The database is missing or empty beside a log that is not.
        public static let lostDatabase = Kind(.lostDatabase)
        /// The file is no session's.
        public static let foreignFile = Kind(.foreignFile)
        /// SQLite cannot read the file, or what a session has is not in it.
        public static let malformed = Kind(.malformed)
        /// The file is that of another session or agent.
        public static let wrongPlace = Kind(.wrongPlace)
        /// The write-ahead log breaks off, and commits follow that cannot be read.
        public static let brokenLog = Kind(.brokenLog)
        /// An entry, or the outcome beside it, is none.
        public static let unreadableEntry = Kind(.unreadableEntry)
        /// An entry cannot follow the one before it.
        public static let brokenOrder = Kind(.brokenOrder)
        /// The table of requests does not agree with the log.
        public static let requests = Kind(.requests)
        /// The table of tool calls does not agree with the log.
        public static let calls = Kind(.calls)
        /// An attachment lacks some of its bytes.
        public static let attachments = Kind(.attachments)

        /// Whether the session cannot go on as it is, or has lost something.
        ///
        /// The first six kinds are not: they pass with a mount that works, a newer version or the next lease, or do not
        /// tell whether anything was lost of what the session knows.
        public var isDamage: Bool {
            switch value {
            case .inputOutput, .newerSchema, .missingLog, .unwritten, .pendingJournal, .brokenInbox: false
            default: true
            }
        }

        /// The name of the kind.
        public var description: String { value.rawValue }
    }

    /// The kind.
    public let kind: Kind
    /// What was found. Never holds texts of a conversation.
    public let detail: String

    /// The kind and the detail.
    public var description: String { "\(kind): \(detail)" }
}
