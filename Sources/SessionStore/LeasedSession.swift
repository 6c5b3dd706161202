// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import JSONCore
import SQLiteDriver

/// The names that a session is kept under.
public struct SessionNames: Sendable, Hashable {
    /// The agent's name.
    public let agent: String
    /// The id of the session, as it was given.
    public let session: String
}

/// What a session's file says of itself.
struct SessionMeta {
    let identity: String
    let created: Int64
    let epoch: Int64
    /// The lease that wrote last; empty when its last commit ended a turn.
    let owner: String
    let names: SessionNames

    /// Throws unless these are its names; nil takes any.
    func check(_ wanted: SessionNames?) throws(SessionStoreError) {
        if wanted == nil || wanted == names { return }
        throw SessionStoreError(.foreignFile, at: "open", "the file belongs to another session or agent")
    }
}

/// A session that this process, and no other, may read and write until it is released.
///
/// The lease ends with ``release()``, and at the latest with the value. After an error of the file system it is dead:
/// whether the last write is on the disk is then unknown, and only a new lease, which reads the file again, can tell.
public struct LeasedSession: ~Copyable {
    /// Random, made when the session was created, never changed.
    public let identity: String
    /// When the session was created, in milliseconds since 1970.
    public let created: Int64
    /// The names that the session was created under.
    public let names: SessionNames
    // Declared before the files, and therefore closed before them when the value is dropped.
    let connection: Connection
    let files: LeasedFiles
    private let databaseSize: Int64
    private let pool: WarmSessions
    let owner: String
    let attempt: String
    let now: @Sendable () -> Int64
    /// The epoch that the file had when it was leased, plus one once this lease has written.
    private(set) var epoch: Int64
    /// Whether the last commit, another lease's, was made in the middle of a turn.
    private let wasLeftOpen: Bool
    // Declared behind the files: a place is free when they are closed.
    private let slot: LeaseSlot
    private var hasWritten = false
    var isDead = false
    /// Whether the file says of itself what it said when it was leased.
    var isAsLeased = true
    /// The memories that were used since the last commit.
    var usedMemories: [MemoryPath] = []

    init(
        _ files: consuming LeasedFiles,
        in slot: LeaseSlot,
        as names: SessionNames?,
        creating: Bool,
        migrations: [Migration],
        attempt: String,
        now: @escaping @Sendable () -> Int64,
        pool: WarmSessions
    ) throws(SessionStoreError) {
        let connection = try sqlite(at: "open") { () throws(SQLiteError) in try Connection(files: files.offer) }
        let meta = try Self.open(
            connection, as: names, creating: creating, migrations: migrations, now: now())
        try self.init(files, in: slot, connection, meta, attempt: attempt, now: now, pool: pool)
    }

    /// Goes on with a connection that knows the session already.
    init(
        _ files: consuming LeasedFiles,
        in slot: LeaseSlot,
        _ connection: Connection,
        _ meta: SessionMeta,
        attempt: String,
        now: @escaping @Sendable () -> Int64,
        pool: WarmSessions
    ) throws(SessionStoreError) {
        databaseSize = try files.databaseSize()
        (identity, created, epoch, names) = (meta.identity, meta.created, meta.epoch, meta.names)
        wasLeftOpen = !meta.owner.isEmpty
        self.slot = slot
        self.connection = connection
        self.files = files
        self.pool = pool
        self.attempt = attempt
        self.now = now
        owner = randomIdentity()
    }

    private static func open(
        _ connection: Connection,
        as names: SessionNames?,
        creating: Bool,
        migrations: [Migration],
        now: Int64
    ) throws(SessionStoreError) -> SessionMeta {
        try sqlite(at: "open") { () throws(SQLiteError) in
            try connection.setCheckpointOnClose(false)
            try connection.execute(Schema.connectionSettings)
        }
        try Schema.prepare(connection, creating: creating ? names : nil, migrations: migrations, now: now)
        let rows = try sqlite(at: "open") { () throws(SQLiteError) in
            try connection.query("SELECT identity, created, epoch, owner, agent, session FROM meta") {
                row throws(SQLiteError) in
                SessionMeta(
                    identity: try row.text(0),
                    created: try row.int(1),
                    epoch: try row.int(2),
                    owner: try row.text(3),
                    names: SessionNames(agent: try row.text(4), session: try row.text(5))
                )
            }
        }
        guard let meta = rows.first else {
            throw SessionStoreError(.damaged, at: "open", "the file does not say whose it is; restore it from a backup")
        }
        try meta.check(names)
        return meta
    }

    // MARK: - Reading

    /// The whole log, oldest entry first.
    public func entries() throws(SessionStoreError) -> [Entry] {
        try storedEntries().map(\.entry)
    }

    /// The whole log with what the file knows beside it.
    public func storedEntries() throws(SessionStoreError) -> [StoredEntry] {
        try read("ORDER BY seq")
    }

    /// What is known of a request id; nil when the session has not seen it.
    public func request(_ id: String) throws(SessionStoreError) -> RequestRecord? {
        let found = try sqlite(at: "read request") { () throws(SQLiteError) in
            try connection.query("SELECT turn, seq FROM requests WHERE id = ?", .text(id)) {
                row throws(SQLiteError) in (turn: try row.int(0), sequence: try row.int(1))
            }
        }
        guard let found = found.first else { return nil }
        let end = try read("WHERE seq >= ? AND outcome IS NOT NULL ORDER BY seq LIMIT 1", .integer(found.sequence))
        // The turn may have been left for a later one; only a rewind settles what it leaves.
        let isSettled = end.first.map { $0.entry.turn == found.turn || $0.outcome == .takenBack } ?? false
        return RequestRecord(turn: Int(found.turn), outcome: isSettled ? end.first?.outcome : nil)
    }

    /// Counts what there is, without reading it.
    public func summary() throws(SessionStoreError) -> SessionSummary {
        let rows = try sqlite(at: "read log") { () throws(SQLiteError) in
            try connection.query("SELECT ifnull(max(turn), 0), count(*), max(at) FROM log") {
                row throws(SQLiteError) in (try row.int(0), try row.int(1), try row.optionalInt(2))
            }
        }
        let (turns, entries, updated) = rows.first ?? (0, 0, nil)
        return SessionSummary(
            agent: names.agent,
            session: names.session,
            turns: Int(turns),
            entries: Int(entries),
            created: created,
            updated: updated
        )
    }

    // MARK: - Writing

    /// Makes entries durable: one transaction and one sync of the log.
    ///
    /// Throws ``SessionStoreError``: `fenced` when another lease has written since this one began, `alreadyClaimed`,
    /// `duplicateRequest`, and the errors of the file system. Nothing is written then.
    /// - Parameter outcome: Settles every request of the turn that has no outcome yet.
    public mutating func append(_ entries: [Entry], outcome: Outcome? = nil) throws(SessionStoreError) {
        guard !entries.isEmpty else {
            throw SessionStoreError(.emptyCommit, at: "append", "a commit needs an entry, and so does an outcome")
        }
        // A checkpoint, a rewind and a pause are whole by themselves.
        let endsTurn = outcome != nil || entries.last.map { [.checkpoint, .rewind, .pause].contains($0.kind) } ?? false
        try commit(endsTurn: endsTurn) { (session, next) throws(SessionStoreError) in
            try session.write(entries, outcome: outcome, epoch: next)
        }
    }

    /// One transaction, which begins with the fence.
    /// - Parameter endsTurn: Whether this lease may end behind it without leaving anything half done.
    mutating func commit(
        endsTurn: Bool = true,
        _ body: (borrowing LeasedSession, _ epoch: Int64) throws(SessionStoreError) -> Void
    ) throws(SessionStoreError) {
        guard !isDead else { throw .released(at: "append") }
        let next = hasWritten ? epoch : epoch + 1
        do {
            try connection.withTransaction(.immediate, mapError: { SessionStoreError($0, at: "commit") }) {
                () throws(SessionStoreError) in
                try fence(epoch: next, owner: endsTurn ? "" : owner)
                try body(self, next)
                try sqlite(at: "change memory") { () throws(SQLiteError) in try countUses() }
            }
        } catch {
            // The transaction is rolled back in the file; what the connection's cache holds is not trusted further.
            isDead = true
            throw error
        }
        epoch = next
        hasWritten = true
        usedMemories = []
    }

    /// Makes sure that everything read under this lease is on the disk: one page written, one sync.
    ///
    /// A process that was killed between the write and the sync of a commit leaves the commit in the page cache, where
    /// the next lease finds it. To be called before somebody is told of what was found.
    public mutating func confirm() throws(SessionStoreError) {
        try commit { (_, _) throws(SessionStoreError) in }
    }

    /// The size of the write-ahead log above which it is copied into the database when the lease ends: each lease reads
    /// the whole log, so it must stay short, and a checkpoint costs three syncs. With 1 MiB the longest log makes opening a
    /// session take 1.8 times as long as with a log of 50 KB, with 4 MiB 3 times; a turn of two messages of 2 KB has
    /// 0.07 syncs of checkpoints.
    static let checkpointThreshold: Int64 = 1 << 20

    /// The size of the write-ahead log in bytes.
    func logSize() throws(SessionStoreError) -> Int64 { try files.logSize() }

    /// Whether the one who wrote last stopped in the middle of a turn: it may be frozen, and come back to write more.
    func needsNewLog() throws(SessionStoreError) -> Bool {
        guard wasLeftOpen else { return false }
        return try logSize() > 0
    }

    /// Puts what the log has into the database, removes the log, and gives the session back. The next lease begins
    /// another log.
    ///
    /// It is the locks that keep a frozen writer from writing when it comes back, if the file server honours them. One
    /// that does not lets it append to the log that it has open. That is now a file without a name, which nobody reads.
    ///
    /// Returns false, and leaves the log as it is, when the file system is full.
    consuming func startNewLog() throws(SessionStoreError) -> Bool {
        var failure: SessionStoreError?
        do throws(SessionStoreError) {
            _ = try sqlite(at: "take over") { () throws(SQLiteError) in try connection.checkpoint(.truncate) }
        } catch {
            failure = error
        }
        do throws(SessionStoreError) {
            try sqlite(at: "take over") { () throws(SQLiteError) in try connection.close() }
        } catch {
            failure = failure ?? error
        }
        if failure == nil { try files.removeLog() }
        try files.release()
        if let failure, failure.code != .full { throw failure }
        return failure == nil
    }

    /// Gives the session back: nothing of it is locked or unwritten afterwards. If the lease has written, its files may
    /// stay open for the next lease of this process (``SessionStore/init(root:maximumLeases:warmSessions:now:)``); else they are closed.
    public consuming func release() throws(SessionStoreError) {
        try release(checkpointingAbove: Self.checkpointThreshold)
    }

    /// The same with another size, so that tests see a checkpoint after a few small commits.
    package consuming func release(checkpointingAbove threshold: Int64) throws(SessionStoreError) {
        var failure: SessionStoreError?
        var end: LogEnd?
        do throws(SessionStoreError) {
            if !isDead { end = try finish(checkpointingAbove: threshold) }
        } catch {
            failure = error
        }
        if let end { return try keep(end) }
        try close(after: failure)
    }

    /// Empties a long log. Otherwise returns its end if the session can be kept open: nothing has failed, and the log ends
    /// with the last commit.
    private func finish(checkpointingAbove threshold: Int64) throws(SessionStoreError) -> LogEnd? {
        let size = try logSize()
        if size > threshold {
            _ = try sqlite(at: "checkpoint") { () throws(SQLiteError) in try connection.checkpoint(.truncate) }
            return nil
        }
        guard pool.limit > 0, isAsLeased, let end = files.offer.logEnd, end.size == size else { return nil }
        return end
    }

    private consuming func keep(_ end: LogEnd) throws(SessionStoreError) {
        // Where nobody has written since, it was this process: it is not frozen.
        let meta = SessionMeta(identity: identity, created: created, epoch: epoch, owner: "", names: names)
        let (connection, pool, size, folder) = (connection, pool, databaseSize, files.folder.path)
        var displaced: WarmSession?
        try files.suspend { idle in
            let warm = WarmSession(idle, connection: connection, meta: meta, end: end, databaseSize: size)
            displaced = pool.keep(warm, of: folder)
        }
        displaced?.close()
    }

    private consuming func close(after failure: SessionStoreError?) throws(SessionStoreError) {
        var failure = failure
        do throws(SessionStoreError) {
            try sqlite(at: "release") { () throws(SQLiteError) in try connection.close() }
        } catch {
            failure = failure ?? error
        }
        try files.release()
        if let failure { throw failure }
    }
}
