// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SQLiteDriver

extension LeasedSession {
    /// Changes exactly one row, and only if nobody has written in between. It guards against mistakes and against
    /// servers that do not enforce locks; against a frozen writer it is the locks that do.
    func fence(epoch next: Int64, owner: String) throws(SessionStoreError) {
        let fenced = try change(
            "UPDATE meta SET epoch = ?, owner = ?, attempt = ? WHERE id = 1 AND epoch = ?",
            .integer(next), .text(owner), .text(attempt), .integer(epoch)
        )
        guard fenced == 1 else {
            throw SessionStoreError(
                .fenced,
                at: "append",
                "another invocation has written to the session since this one leased it"
            )
        }
    }

    /// Writes one commit's rows, inside of its transaction.
    func write(
        _ entries: [Entry],
        outcome: Outcome?,
        epoch next: Int64
    ) throws(SessionStoreError) {
        let time = now()
        for (index, entry) in entries.enumerated() {
            var settles = index == entries.count - 1 ? outcome : nil
            // What was open will not be closed any more.
            if case .rewind = entry.fact { settles = .takenBack }
            try change(
                "INSERT INTO log (turn, kind, call, body, at, outcome) VALUES (?, ?, ?, ?, ?, ?)",
                .integer(Int64(entry.turn)), .text(entry.kind.rawValue), .init(entry.position?.description),
                .text(entry.body.description), .integer(time), .init(settles?.column(beside: entry))
            )
            try self.index(entry, epoch: next)
        }
    }

    /// Runs a statement and returns the number of rows that it changed.
    @discardableResult
    private func change(_ sql: String, _ bindings: SQLiteValue...) throws(SessionStoreError) -> Int {
        try sqlite(at: "append") { () throws(SQLiteError) in try connection.run(sql, bindings) }
    }

    /// Keeps the tables beside the log: which requests there are, and which calls may have run.
    private func index(_ entry: Entry, epoch: Int64) throws(SessionStoreError) {
        switch entry.fact {
        case .input(let request, _):
            try add(request, turn: entry.turn)
        case .decision(let request, _), .signal(let request, _, _):
            // One request decides on several calls, all of them in one turn; signals take some decisions further.
            try add(
                request,
                turn: entry.turn,
                onConflict: """
                    (id) DO UPDATE SET seq = seq WHERE turn = excluded.turn
                    AND NOT EXISTS (SELECT 1 FROM log WHERE log.seq BETWEEN requests.seq AND last_insert_rowid() - 1
                    AND outcome IS NOT NULL)
                    """
            )
        case .claim(let position, let tool, let effect, let attempt):
            let claimed = try change(
                """
                INSERT INTO calls (id, tool, effect, state, attempt, epoch) VALUES (?, ?, ?, 'claimed', ?, ?)
                ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, epoch = excluded.epoch
                WHERE state = 'claimed' AND effect = 'idempotent' AND excluded.attempt = attempt + 1
                """,
                .text(position.description), .text(tool), .text(effect.rawValue), .integer(Int64(attempt)),
                .integer(epoch)
            )
            guard claimed == 1 else {
                throw SessionStoreError(.alreadyClaimed, at: "append", "the call \(position) was claimed before")
            }
        case .result(let position, let result):
            // Calls of pure tools have no row.
            try change(
                "UPDATE calls SET state = ? WHERE id = ? AND state = 'claimed'",
                .text(result.status == .unknown ? "unknown" : "settled"), .text(position.description)
            )
        case .attempt(.released(let request)), .cancel(let request, _):
            try add(request, turn: entry.turn)
        case .rewind:
            try change("UPDATE calls SET state = 'unknown' WHERE state = 'claimed'")
        case .reply, .approvalRequest, .step, .refusal, .checkpoint, .attempt, .pause, .park, .schedule,
            .compaction:
            break
        }
    }

    private func add(
        _ request: String, turn: Int, onConflict clause: String = "DO NOTHING"
    ) throws(SessionStoreError) {
        let added = try change(
            "INSERT INTO requests (id, turn, seq) VALUES (?, ?, last_insert_rowid()) ON CONFLICT \(clause)",
            .text(request), .integer(Int64(turn)))
        guard added == 1 else {
            throw SessionStoreError(.duplicateRequest, at: "append", "the request id is in the session already")
        }
    }
}

extension Outcome {
    /// Of a request that was open when the conversation was taken back.
    static let takenBack = Outcome.failed(reason: "the conversation was taken back")

    /// The outcome as it is written beside the entry that ended the turn: without the reply, where the entry is that.
    func column(beside entry: Entry) -> String {
        if case .completed(let reply) = self, case .reply(let said) = entry.fact, said.text == reply {
            return #"{"status":"completed"}"#
        }
        return JSONValue.object(json).description
    }

    /// Reads what ``column(beside:)`` wrote; nil when it is none.
    init?(column: String, beside entry: Entry) {
        guard let json = try? JSONValue(parsing: column.utf8) else { return nil }
        if json["status"]?.string == "completed", json["reply"] == nil, case .reply(let said) = entry.fact {
            self = .completed(reply: said.text)
        } else {
            self.init(json: json)
        }
    }
}
