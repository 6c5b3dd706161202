// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SQLiteDriver
import SessionStore

/// What a fixture of a schema version holds: something in every table that is written to.
///
/// A session of the name "checkpointed" has all of it in the database, and an empty log.
enum Fixture {
    static let call = CallPosition(reply: 2, index: 0)

    static func write(_ session: SessionID, below root: String) throws {
        let (store, agent) = (try SessionStore(root: root) { 1_700_000_000_123 }, try AgentName("agent"))
        var leased = try store.lease(session, of: agent, attempt: "fixture", until: .now)
        try leased.append(
            [
                Entry(turn: 1, fact: .input(request: "first", text: "Where is my order 7? — Ada")),
                Entry(turn: 1, fact: .reply(ModelReply(text: "Which Ada?"))),
            ], outcome: .completed(reply: "Which Ada?"))
        let asked = ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "ship", arguments: #"{"order": 7.0}"#)])
        try leased.append([
            Entry(turn: 2, fact: .input(request: "second", text: "Lovelace")), Entry(turn: 2, fact: .reply(asked)),
            Entry(turn: 2, fact: .claim(call, tool: "ship", effect: .once, attempt: 1)),
        ])
        try leased.attach("label.pdf", [[UInt8](repeating: 0x25, count: 5000)])
        try leased.append(
            [
                Entry(turn: 2, fact: .result(call, ToolResult(status: .succeeded, content: "shipped"))),
                Entry(turn: 2, fact: .reply(ModelReply(text: "It is on its way."))),
            ], outcome: .completed(reply: "It is on its way."))
        try leased.checkpoint("shipped")
        let call = AppliedCall(key: "key", answer: "written")
        try leased.change(.write(MemoryPath("people/ada.txt"), text: "Ada Lovelace has order 7."), applying: call)
        let reply = ModelReply(text: "You are welcome.")
        try leased.cache(reply, to: "request", timeToLive: .seconds(3600), capacity: 1 << 20)
        try leased.append([Entry(turn: 3, fact: .input(request: "third", text: "Thank you"))])
        try leased.release()
        if session.rawValue == "checkpointed" {
            try emptyLog(of: "\(root)/agent/\(SHA256.hexDigest(of: session.rawValue).prefix(2))/\(session)/s.db")
        }
    }

    private static func emptyLog(of path: String) throws {
        let connection = try Connection(path: path)
        try connection.setPersistentWAL(true)
        try connection.execute("PRAGMA locking_mode=EXCLUSIVE; SELECT 1 FROM meta")
        try connection.checkpoint(.truncate)
        try connection.close()
    }
}
