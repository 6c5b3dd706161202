// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import JSONCore
import SQLiteDriver

/// A model's replies by the requests that they answer, in ``SessionID/responseCache``.
extension LeasedSession {
    /// The reply to a request; nil when there is none, or only one that is older than `timeToLive`.
    ///
    /// A reply from the future is none either: the clock was set back since.
    public func cachedReply(to key: String, timeToLive: Duration) throws(SessionStoreError) -> ModelReply? {
        let found = try read("replies", "SELECT at, body FROM replies WHERE key = ?", .text(key)) {
            row throws(SQLiteError) in (at: try row.int(0), body: try row.text(1))
        }
        let time = now()
        guard let found = found.first, found.at >= 0, found.at <= time, .milliseconds(time - found.at) < timeToLive,
            let body = try? JSONValue(parsing: found.body.utf8),
            case .reply(let reply) = (try? Entry(turn: 1, kind: .reply, position: nil, body: body))?.fact
        else { return nil }
        return reply
    }

    /// Keeps the reply to a request, in place of an older one, and removes the oldest ones as long as all together are
    /// larger than `capacity` or they are too old: one commit, one sync.
    ///
    /// Nothing is kept of a reply that is larger than an eighth of `capacity`.
    /// - Parameter capacity: In bytes.
    public mutating func cache(
        _ reply: ModelReply, to key: String, timeToLive: Duration, capacity: Int
    ) throws(SessionStoreError) {
        let body = Entry(turn: 1, fact: .reply(reply)).body.description
        let size = Int64(body.utf8.count)
        guard size <= Int64(max(0, capacity)) / 8 else { return }
        let time = now()
        let (seconds, _) = timeToLive.components
        try commit { (session, _) throws(SessionStoreError) in
            try sqlite(at: "cache reply") { () throws(SQLiteError) in
                let connection = session.connection
                try Schema.add("replies", to: connection)
                try connection.run("DELETE FROM replies WHERE key = ?", .text(key))
                let start =
                    try connection.query("SELECT start + size FROM replies ORDER BY id DESC LIMIT 1") {
                        row throws(SQLiteError) in try row.int(0)
                    }.first ?? 0
                try connection.run(
                    "INSERT INTO replies (key, start, at, size, body) VALUES (?, ?, ?, ?, ?)",
                    .text(key), .integer(start), .integer(time), .integer(size), .text(body))
                // From the oldest one on, a bounded number at a time, as they are in order: one in, at most 64 out.
                try connection.run(
                    """
                    DELETE FROM replies WHERE id IN (SELECT id FROM replies ORDER BY id LIMIT 64)
                    AND (start < ? OR at < ?)
                    """,
                    // Without a trap where the file holds nonsense.
                    .integer(start &+ size &- Int64(capacity)),
                    .integer(time - min(seconds, .max / 2000) * 1000))
            }
        }
    }
}
