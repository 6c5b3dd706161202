// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SQLiteDriver

extension LeasedSession {
    /// Changes exactly one row, and only if nobody has written in between. It guards against mistakes and against
    /// servers that do not enforce locks; against a frozen writer it is the locks that do.
    func fence(epoch next: Int64) throws(SessionStoreError) {
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
        turn: Int,
        outcome: Outcome?,
        epoch next: Int64
    ) throws(SessionStoreError) {
        let time = now()
        for entry in entries {
            try change(
                "INSERT INTO log (turn, kind, call, body, at) VALUES (?, ?, ?, ?, ?)",
                .integer(Int64(entry.turn)), .text(entry.kind.rawValue), .init(entry.position?.description),
                .text(entry.body.description), .integer(time)
            )
            try index(entry, epoch: next)
        }
        if let outcome {
            try change(
                "UPDATE requests SET outcome = ? WHERE turn = ? AND outcome IS NULL",
                .text(JSONValue.object(outcome.json).description), .integer(Int64(turn))
            )
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
            try add(request, turn: entry.turn, "INSERT INTO requests (id, turn) VALUES (?, ?) ON CONFLICT DO NOTHING")
        case .decision(let request, _):
            // One request decides on several calls, all of them in one turn.
            try add(
                request,
                turn: entry.turn,
                """
                INSERT INTO requests (id, turn) VALUES (?, ?)
                ON CONFLICT (id) DO UPDATE SET turn = excluded.turn WHERE turn = excluded.turn AND outcome IS NULL
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
        case .rewind:
            // What was open will not be closed any more.
            try change("UPDATE calls SET state = 'unknown' WHERE state = 'claimed'")
            try change(
                "UPDATE requests SET outcome = ? WHERE outcome IS NULL",
                .text(JSONValue.object(Outcome.failed(reason: "the conversation was taken back").json).description))
        case .reply, .approvalRequest, .refusal, .checkpoint:
            break
        }
    }

    private func add(_ request: String, turn: Int, _ sql: String) throws(SessionStoreError) {
        guard try change(sql, .text(request), .integer(Int64(turn))) == 1 else {
            throw SessionStoreError(.duplicateRequest, at: "append", "the request id is in the session already")
        }
    }
}
