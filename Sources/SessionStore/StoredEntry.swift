// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import JSONCore
import SQLiteDriver

/// An entry as it stands in the file.
public struct StoredEntry: Sendable, Hashable {
    /// Its place in the log, from 1.
    public let sequence: Int
    /// When it was written, in milliseconds since 1970, by the clock of the sandbox that wrote it.
    public let time: Int64
    /// The entry.
    public let entry: Entry
    /// How the turn ended, if it was this entry that ended it.
    public let outcome: Outcome?

    /// A row of the log, before its JSON is read.
    struct Row {
        let sequence: Int64
        let turn: Int64
        let kind: String
        let call: String?
        let body: String
        let time: Int64
        let outcome: String?

        init(_ row: borrowing SQLiteDriver.Row) throws(SQLiteError) {
            sequence = try row.int(0)
            turn = try row.int(1)
            kind = try row.text(2)
            call = try row.optionalText(3)
            body = try row.text(4)
            time = try row.int(5)
            outcome = try row.optionalText(6)
        }
    }

    init(sequence: Int, time: Int64, entry: Entry, outcome: Outcome? = nil) {
        self.sequence = sequence
        self.time = time
        self.entry = entry
        self.outcome = outcome
    }

    init(_ row: Row) throws(SessionStoreError) {
        sequence = Int(row.sequence)
        time = row.time
        do {
            guard let kind = Entry.Kind(rawValue: row.kind) else {
                throw SessionStoreError(.damaged, at: "read log", "entry \(row.sequence) is of an unknown kind")
            }
            let position = row.call.flatMap(CallPosition.init)
            guard (row.call == nil) == (position == nil) else {
                throw SessionStoreError(.damaged, at: "read log", "entry \(row.sequence) names no call")
            }
            entry = try Entry(
                turn: Int(row.turn),
                kind: kind,
                position: position,
                body: JSONValue(parsing: row.body.utf8)
            )
            outcome = row.outcome.flatMap { [entry] in Outcome(column: $0, beside: entry) }
            guard (row.outcome == nil) == (outcome == nil) else {
                throw SessionStoreError(.damaged, at: "read log", "the outcome of entry \(row.sequence) is none")
            }
        } catch let error as SessionStoreError {
            throw error
        } catch {
            throw SessionStoreError(.damaged, at: "read log", "entry \(row.sequence): \(error)")
        }
    }
}

/// What a session knows of a request id.
public struct RequestRecord: Sendable, Hashable {
    /// The turn that the request belongs to.
    public let turn: Int
    /// The turn's outcome; nil while it is open.
    public let outcome: Outcome?
}
