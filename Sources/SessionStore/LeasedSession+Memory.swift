// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import SQLiteDriver

extension LeasedSession {
    // MARK: - Reading

    /// The texts in a folder and in those below it, by path, without their texts; nil for all of them.
    public func memories(in folder: MemoryPath? = nil) throws(SessionStoreError) -> [MemoryEntry] {
        guard let folder else { return try memories("ORDER BY path") }
        let (first, end) = folder.contents
        return try memories("WHERE path >= ? AND path < ? ORDER BY path", .text(first), .text(end))
    }

    /// The text at a path, without the text; nil when there is none.
    public func memory(at path: MemoryPath) throws(SessionStoreError) -> MemoryEntry? {
        try memories("WHERE path = ?", .text(path.rawValue)).first
    }

    /// The text at a path; nil when there is none. Does not count as a use: see ``noteUse(of:)``.
    public func memoryText(at path: MemoryPath) throws(SessionStoreError) -> String? {
        try readMemory("SELECT text FROM memory WHERE path = ?", .text(path.rawValue)) { row throws(SQLiteError) in
            try row.text(0)
        }.first
    }

    /// The texts that were neither used nor written since a time, the one that has been left alone longest first.
    /// - Parameters:
    ///   - time: Milliseconds since 1970.
    ///   - limit: How many are wanted at most.
    public func staleMemories(
        notUsedSince time: Int64, limit: Int = .max
    ) throws(SessionStoreError) -> [MemoryEntry] {
        try memories(
            """
            WHERE max(updated, ifnull(used, updated)) < ?
            ORDER BY max(updated, ifnull(used, updated)), uses, path LIMIT ?
            """,
            .integer(time), .integer(Int64(max(0, limit))))
    }

    /// The texts that were used the fewest times, and among those the one that has been left alone longest first.
    public func leastUsedMemories(limit: Int) throws(SessionStoreError) -> [MemoryEntry] {
        try memories(
            "ORDER BY uses, max(updated, ifnull(used, updated)), path LIMIT ?", .integer(Int64(max(0, limit))))
    }

    /// Searches the texts and their paths (SQLite's FTS5): those that have every word, or words that begin with it, the
    /// best match first; if there is none, those that have any of the words.
    ///
    /// Upper and lower case and diacritics are the same, and all but letters and digits separates words. Only the first 512
    /// characters are looked at.
    public func searchMemory(_ words: String, limit: Int = 10) throws(SessionStoreError) -> [MemoryMatch] {
        // SQLite opens the index for each word: measured with 10,000 of them, it took 1.6 GB.
        let words = String(words.unicodeScalars.prefix(512))
        // As strings of FTS5's language, in which nothing has a meaning but the quotation mark.
        let terms = words.split(whereSeparator: \.isWhitespace).prefix(32).filter { term in
            term.contains { $0.isLetter || $0.isNumber }
        }.map { term in
            // Character by character, as a search for texts would link the library of regular expressions.
            "\"\(term.reduce(into: "") { if $1 != "\0" { $0 += $1 == "\"" ? "\"\"" : String($1) } })\"*"
        }
        guard !terms.isEmpty else { return [] }
        let found = try matches(terms.joined(separator: " "), limit)
        return found.isEmpty && terms.count > 1 ? try matches(terms.joined(separator: " OR "), limit) : found
    }

    /// What a call was answered with that has changed the memory before; nil for one that has not.
    public func answer(toApplied key: String) throws(SessionStoreError) -> String? {
        try read("applied", "SELECT answer FROM applied WHERE key = ?", .text(key)) { row throws(SQLiteError) in
            try row.text(0)
        }.first
    }

    // MARK: - Writing

    /// Counts a use of a text. It is written with the next commit of this lease, and forgotten when there is none.
    public mutating func noteUse(of path: MemoryPath) { usedMemories.append(path) }

    /// Whether a use was counted that no commit has written yet.
    public var hasUnwrittenUses: Bool { !usedMemories.isEmpty }

    /// Changes the memory, and writes entries, in one commit: one sync.
    ///
    /// A change counts as a use of the text. The first change of a session's memory also creates its tables.
    ///
    /// Throws ``SessionStoreError``: `tooLarge` for a text above ``MemoryEntry/maximumSize``, `noSuchMemory` when there is
    /// nothing to be removed or moved, `alreadyExists` when something is where another path is to be, also a text where a
    /// folder would be, `invalidName` when a folder is moved into itself or a path gets too long; nothing has changed then.
    /// And what ``append(_:outcome:)`` throws.
    /// - Parameters:
    ///   - entries: What is to be in the log if, and only if, the change is made.
    ///   - call: The call that makes it, where the log is another file's: ``answer(toApplied:)`` finds it from then on.
    public mutating func change(
        _ change: MemoryChange,
        recording entries: [Entry] = [],
        applying call: AppliedCall? = nil
    ) throws(SessionStoreError) {
        let moved = try checked(change)
        try commit(endsTurn: entries.isEmpty) { (session, epoch) throws(SessionStoreError) in
            try sqlite(at: "change memory") { () throws(SQLiteError) in
                try Schema.add("memory", to: session.connection)
                switch change {
                case .write(let path, let text): try session.put(text, at: path)
                case .remove: try session.remove(moved)
                case .move(let path, let target): try session.move(moved, from: path, to: target)
                }
                if let call { try session.remember(call) }
            }
            try session.write(entries, outcome: nil, epoch: epoch)
        }
    }

    /// Finds what keeps a change from being made, before anything is written.
    /// - Returns: The paths that are removed or moved.
    private func checked(_ change: MemoryChange) throws(SessionStoreError) -> [MemoryPath] {
        switch change {
        case .write(let path, let text):
            guard text.utf8.count <= MemoryEntry.maximumSize else { throw .memoryTooLarge }
            try checkRoom(for: path)
            guard try memories(in: path).isEmpty else { throw .memoryExists }
            return []
        case .remove(let path):
            return try paths(at: path)
        case .move(let path, let target):
            let paths = try paths(at: path)
            guard path != target, try memory(at: target) == nil, try memories(in: target).isEmpty else {
                throw .memoryExists
            }
            guard !target.folders.contains(where: { $0.utf8.elementsEqual(path.rawValue.utf8) }) else {
                throw .invalidName("a memory cannot be moved into itself")
            }
            try checkRoom(for: target)
            let longer = target.rawValue.utf8.count - path.rawValue.utf8.count
            guard paths.allSatisfy({ $0.rawValue.utf8.count + longer <= MemoryPath.maximumLength }) else {
                throw .invalidName("the path of a memory is 1 to \(MemoryPath.maximumLength) bytes long")
            }
            return paths
        }
    }

    private func paths(at path: MemoryPath) throws(SessionStoreError) -> [MemoryPath] {
        if let entry = try memory(at: path) { return [entry.path] }
        let paths = try memories(in: path).map(\.path)
        guard !paths.isEmpty else {
            throw SessionStoreError(.noSuchMemory, at: "change memory", "there is no memory at that path")
        }
        return paths
    }

    private func checkRoom(for path: MemoryPath) throws(SessionStoreError) {
        for folder in path.folders where try memory(at: MemoryPath(stored: folder)) != nil { throw .memoryExists }
    }

    private func memories(
        _ clause: String, _ bindings: SQLiteValue...
    ) throws(SessionStoreError) -> [MemoryEntry] {
        let sql = "SELECT path, size, version, uses, used, updated FROM memory \(clause)"
        return try read("memory", sql, bindings) { row throws(SQLiteError) in
            MemoryEntry(
                path: MemoryPath(stored: try row.text(0)),
                size: Int(try row.int(1)),
                version: Int(try row.int(2)),
                uses: Int(try row.int(3)),
                used: try row.optionalInt(4),
                updated: try row.int(5)
            )
        }
    }

    private func matches(_ query: String, _ limit: Int) throws(SessionStoreError) -> [MemoryMatch] {
        try readMemory(
            """
            SELECT path, snippet(memory_index, 1, '', '', '…', 24) FROM memory_index WHERE memory_index MATCH ?
            ORDER BY rank, path LIMIT ?
            """,
            .text(query), .integer(Int64(max(0, limit)))
        ) { row throws(SQLiteError) in
            MemoryMatch(path: MemoryPath(stored: try row.text(0)), excerpt: try row.text(1))
        }
    }

    private func readMemory<Element>(
        _ sql: String,
        _ bindings: SQLiteValue...,
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SessionStoreError) -> [Element] {
        try read("memory", sql, bindings, row: row)
    }

    /// Reads rows of a table that may not be there yet.
    func read<Element>(
        _ table: String,
        _ sql: String,
        _ bindings: SQLiteValue...,
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SessionStoreError) -> [Element] {
        try read(table, sql, bindings, row: row)
    }

    private func read<Element>(
        _ table: String,
        _ sql: String,
        _ bindings: [SQLiteValue],
        row: (borrowing Row) throws(SQLiteError) -> Element
    ) throws(SessionStoreError) -> [Element] {
        try sqlite(at: "read \(table)") { () throws(SQLiteError) in
            try Schema.has(table, in: connection) ? try connection.query(sql, bindings, row: row) : []
        }
    }
}

extension MemoryPath {
    /// The first path in the folder, and the first one behind all of them: a zero follows a slash.
    fileprivate var contents: (first: String, end: String) { (rawValue + "/", rawValue + "0") }
}

extension SessionStoreError {
    fileprivate static let memoryExists = SessionStoreError(
        .alreadyExists, at: "change memory", "there is a memory at that path, or at a path that has to be its folder")
    fileprivate static let memoryTooLarge = SessionStoreError(
        .tooLarge, at: "change memory", "a memory must not be larger than \(MemoryEntry.maximumSize) bytes")
}
