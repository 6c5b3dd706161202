// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import JSONCore
import SQLiteDriver

/// Everything that a session's file holds, in memory: to copy it, to fork it, or to carry it elsewhere as JSON Lines.
public struct SessionArchive: Sendable {
    /// The names that it was kept under.
    public let names: SessionNames
    /// The identity that its idempotency keys derive from.
    public let identity: String
    /// When it was created, in milliseconds since 1970.
    public let created: Int64
    /// The log, oldest entry first.
    public internal(set) var entries: [StoredEntry]
    /// Where it was forked from.
    var origin: Origin?
    /// The rows of the other tables, in the order of `Schema.indexes`.
    var rows: [[[SQLiteValue]]]
    var attachments: [ArchivedAttachment] = []

    struct Origin: Sendable, Hashable {
        let session: String
        let turn: Int
    }

    /// The conversation and its checkpoints.
    ///
    /// Throws SessionStoreError/Code/damaged when an entry cannot follow those before it.
    public func history() throws(SessionStoreError) -> History {
        try History(folding: entries)
    }

    /// The session as it was at the end of a turn. Messages that it is to get at a time are left out: a fork is not to be sent
    /// what its original has asked for. Its memory is all there, as it is now: it has no turns.
    ///
    /// Throws SessionStoreError/Code/noSuchTurn unless it is a complete turn that is part of the conversation.
    public func prefix(throughTurn turn: Int) throws(SessionStoreError) -> SessionArchive {
        try turns(through: turn).withoutSchedules()
    }

    /// The session as it was at the end of a turn, for the one that is to take its place.
    func turns(through turn: Int) throws(SessionStoreError) -> SessionArchive {
        guard try history().canRewind(to: turn) else { throw .noSuchTurn(turn, at: "fork") }
        var prefix = self
        prefix.entries = entries.filter { $0.entry.turn <= turn }
        let calls = Set(prefix.entries.compactMap { $0.entry.position?.description })
        for (index, table) in Schema.indexes.enumerated() {
            prefix.rows[index].removeAll { row in
                switch table.name {
                case "requests": if case .integer(let number) = row[1] { number > turn } else { true }
                case "calls": if case .text(let call) = row[0] { !calls.contains(call) } else { true }
                default: false
                }
            }
        }
        prefix.attachments.removeAll { $0.attachment.turn > turn }
        prefix.origin = Origin(session: names.session, turn: turn)
        return prefix
    }

    private func withoutSchedules() -> SessionArchive {
        var archive = self
        archive.entries = []
        var sequences: [Int64: Int64] = [:]
        for stored in entries where stored.entry.kind != .schedule {
            // A log has no gaps.
            let sequence = archive.entries.count + 1
            sequences[Int64(stored.sequence)] = Int64(sequence)
            archive.entries.append(
                StoredEntry(sequence: sequence, time: stored.time, entry: stored.entry, outcome: stored.outcome))
        }
        for (index, table) in Schema.indexes.enumerated() where table.name == "requests" {
            archive.rows[index] = rows[index].map { row in
                guard case .integer(let sequence) = row[2] else { return row }
                return [row[0], row[1], .init(sequences[sequence])]
            }
        }
        return archive
    }
}

extension History {
    /// Throws SessionStoreError/Code/damaged when an entry cannot follow those before it.
    init(folding entries: [StoredEntry]) throws(SessionStoreError) {
        self.init()
        for stored in entries {
            do throws(LoopError) {
                try apply(stored.entry)
            } catch {
                throw SessionStoreError(.damaged, at: "read log", "entry \(stored.sequence): \(error)")
            }
        }
    }
}

extension LeasedSession {
    /// Reads everything. All of it is in memory then, attachments included.
    public func archive() throws(SessionStoreError) -> SessionArchive {
        var archive = try archiveWithoutAttachments()
        archive.attachments = try archivedAttachments()
        return archive
    }

    func archiveWithoutAttachments() throws(SessionStoreError) -> SessionArchive {
        var rows: [[[SQLiteValue]]] = []
        for table in Schema.indexes {
            rows.append(
                try sqlite(at: "read \(table.name)") { () throws(SQLiteError) in
                    guard try Schema.has(table.name, in: connection) else { return [] }
                    let columns = table.columns.joined(separator: ", ")
                    return try connection.query("SELECT \(columns) FROM \(table.name) ORDER BY 1") {
                        row throws(SQLiteError) in
                        var values: [SQLiteValue] = []
                        for column in table.columns.indices { values.append(try row.value(column)) }
                        return values
                    }
                })
        }
        return SessionArchive(
            names: names,
            identity: identity,
            created: created,
            entries: try storedEntries(),
            origin: nil,
            rows: rows
        )
    }

    /// Fills a session that has nothing yet: one transaction.
    /// - Parameter attachments: Writes the attachments, inside of the transaction.
    mutating func fill(
        from archive: SessionArchive,
        keepingIdentity: Bool,
        attachments: (borrowing LeasedSession, _ epoch: Int64) throws(SessionStoreError) -> Void
    ) throws(SessionStoreError) {
        guard epoch == 0 else {
            throw SessionStoreError(.alreadyExists, at: "import", "there is a session of that id already")
        }
        isAsLeased = false
        try commit { (session, epoch) throws(SessionStoreError) in
            try attachments(session, epoch)
            try sqlite(at: "import") { () throws(SQLiteError) in
                try session.connection.run(
                    "UPDATE meta SET origin = ?, created = ?, identity = ?",
                    .init(archive.origin?.json.description),
                    .integer(keepingIdentity ? archive.created : session.created),
                    .text(keepingIdentity ? archive.identity : session.identity))
                for stored in archive.entries {
                    try session.connection.run(
                        "INSERT INTO log (seq, turn, kind, call, body, at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)",
                        .integer(Int64(stored.sequence)), .integer(Int64(stored.entry.turn)),
                        .text(stored.entry.kind.rawValue), .init(stored.entry.position?.description),
                        .text(stored.entry.body.description), .integer(stored.time),
                        .init(stored.outcome?.column(beside: stored.entry)))
                }
                for (table, rows) in zip(Schema.indexes, archive.rows) where !rows.isEmpty {
                    try Schema.add(table.name, to: session.connection)
                    let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
                    let columns = table.columns.joined(separator: ", ")
                    for row in rows {
                        try session.connection.run("INSERT INTO \(table.name) (\(columns)) VALUES (\(marks))", row)
                    }
                    if table.name == "memory" {
                        try session.connection.run("INSERT INTO memory_index (memory_index) VALUES ('rebuild')")
                    }
                }
            }
        }
    }
}

extension SessionStore {
    /// Makes a new session of an archive, in one commit.
    ///
    /// Under its own names it is the same session: it keeps its identity, so that a tool that is tried again uses the same
    /// idempotency key. Under other names it is a copy with an identity of its own.
    ///
    /// Throws SessionStoreError/Code/alreadyExists when the session has been written to, and what
    /// lease(_:of:attempt:until:) throws.
    public func create(
        _ session: SessionID,
        of agent: AgentName,
        from archive: SessionArchive,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) {
        let isSame = archive.names == SessionNames(agent: agent.rawValue, session: session.rawValue)
        try create(session, of: agent, from: archive, keepingIdentity: isSame && archive.origin == nil, until: deadline)
        {
            (lease, epoch) throws(SessionStoreError) in try lease.insert(archive.attachments, epoch: epoch)
        }
    }

    private func create(
        _ session: SessionID,
        of agent: AgentName,
        from archive: SessionArchive,
        keepingIdentity: Bool,
        until deadline: ContinuousClock.Instant,
        attachments: (borrowing LeasedSession, _ epoch: Int64) throws(SessionStoreError) -> Void
    ) throws(SessionStoreError) {
        var lease = try lease(session, of: agent, attempt: "import", until: deadline)
        do {
            try lease.fill(from: archive, keepingIdentity: keepingIdentity, attachments: attachments)
        } catch {
            try? lease.release()
            throw error
        }
        try lease.release()
    }

    /// Makes a new session that goes on from the end of a turn of another one: a copy of the rows up to there, in one
    /// commit. Both are leased meanwhile, so that attachments are copied without being in memory.
    ///
    /// Throws SessionStoreError/Code/noSuchTurn, SessionStoreError/Code/alreadyExists, and what
    /// lease(_:of:attempt:until:) throws.
    /// - Parameter turn: A complete turn that is part of the conversation; nil for the newest.
    public func fork(
        _ session: SessionID,
        of agent: AgentName,
        atTurn turn: Int? = nil,
        as copy: SessionID,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) {
        guard copy != session else {
            throw SessionStoreError(.alreadyExists, at: "fork", "a session cannot be forked onto itself")
        }
        let original = try leaseExisting(session, of: agent, attempt: "fork", until: deadline)
        do throws(SessionStoreError) {
            let archive = try original.archiveWithoutAttachments()
            let newest = try archive.history().turn
            let turn = turn ?? newest
            let prefix = try archive.prefix(throughTurn: turn)
            try create(copy, of: agent, from: prefix, keepingIdentity: false, until: deadline) {
                (lease, epoch) throws(SessionStoreError) in
                try lease.copyAttachments(of: original, throughTurn: turn, epoch: epoch)
            }
        } catch {
            try? original.release()
            throw error
        }
        try original.release()
    }
}
