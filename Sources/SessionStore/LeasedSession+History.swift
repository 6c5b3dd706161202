// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import SQLiteDriver

extension LeasedSession {
    /// The newest entries, oldest first. Reads those and not the rest.
    public func tail(_ count: Int) throws(SessionStoreError) -> [StoredEntry] {
        try read("ORDER BY seq DESC LIMIT ?", .integer(Int64(max(0, count)))).reversed()
    }

    /// A page of the log: the entries behind the one of that sequence number, 0 for the beginning. Reads those and
    /// not the rest; an empty page is the end.
    public func entries(after sequence: Int, limit: Int) throws(SessionStoreError) -> [StoredEntry] {
        try read(
            "WHERE seq > ? ORDER BY seq LIMIT ?", .integer(Int64(sequence)), .integer(Int64(max(0, limit))))
    }

    /// The conversation and its checkpoints: a fold over the whole log.
    ///
    /// Throws SessionStoreError/Code/damaged when an entry cannot follow those before it.
    public func history() throws(SessionStoreError) -> History {
        try History(folding: storedEntries())
    }

    /// Gives the newest turn a name, to go back to or to fork at. A label that is used again names the newer turn.
    ///
    /// One commit. Throws SessionStoreError/Code/noSuchTurn when there is no turn or it is not complete, and
    /// SessionStoreError/Code/invalidName unless the label is 1 to 256 bytes without control characters.
    public mutating func checkpoint(_ label: String) throws(SessionStoreError) {
        guard (1...256).contains(label.utf8.count),
            !label.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw .invalidName("a label is 1 to 256 bytes without control characters") }
        let history = try history()
        guard history.turn > 0, history.phase == .idle else {
            throw SessionStoreError(.noSuchTurn, at: "checkpoint", "there is no complete turn to name")
        }
        try append([Entry(turn: history.turn, fact: .checkpoint(label: label))])
    }

    /// Takes the conversation back to the end of a turn: it goes on as if what came after had not been said.
    ///
    /// One commit: the log keeps everything, and this as well. Requests that were open are answered as failed, and effects
    /// that tools had are not undone. Throws SessionStoreError/Code/noSuchTurn.
    /// - Parameter target: A complete turn that is part of the conversation; 0 is its beginning.
    public mutating func rewind(toTurn target: Int) throws(SessionStoreError) {
        let history = try history()
        guard history.canRewind(to: target) else { throw .noSuchTurn(target, at: "rewind") }
        try append([Entry(turn: history.turn + 1, fact: .rewind(toTurn: target))])
    }

    func read(_ clause: String, _ bindings: SQLiteValue...) throws(SessionStoreError) -> [StoredEntry] {
        let rows = try sqlite(at: "read log") { () throws(SQLiteError) in
            try connection.query("SELECT seq, turn, kind, call, body, at, outcome FROM log \(clause)", bindings) {
                row throws(SQLiteError) in try StoredEntry.Row(row)
            }
        }
        var entries: [StoredEntry] = []
        for row in rows { entries.append(try StoredEntry(row)) }
        return entries
    }
}

extension History {
    /// The turn that a checkpoint names.
    ///
    /// Throws SessionStoreError/Code/noSuchTurn.
    public func turn(ofCheckpoint label: String) throws(SessionStoreError) -> Int {
        if let turn = checkpoints[label] { return turn }
        throw SessionStoreError(
            .noSuchTurn, at: "checkpoint",
            "no checkpoint has that label; there are "
                + (checkpoints.isEmpty ? "none" : checkpoints.keys.sorted().joined(separator: ", ")))
    }
}

extension SessionStoreError {
    static func noSuchTurn(_ turn: Int, at operation: String) -> SessionStoreError {
        SessionStoreError(
            .noSuchTurn, at: operation, "turn \(turn) is not a complete turn that is part of the conversation")
    }
}
