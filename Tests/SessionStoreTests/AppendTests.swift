// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct AppendTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    static let call = CallPosition(reply: 1, index: 0)

    static func claim(_ effect: ToolEffect, _ attempt: Int = 1) -> Entry {
        Entry(turn: 1, fact: .claim(call, tool: "t", effect: effect, attempt: attempt))
    }

    static func result(_ status: ToolResult.Status) -> Entry {
        Entry(turn: 1, fact: .result(call, ToolResult(status: status, content: "c")))
    }

    static func decision(_ request: String, turn: Int = 2, index: Int = 0) -> Entry {
        let verdict = Verdict(position: CallPosition(reply: 1, index: index), isApproved: true)
        return Entry(turn: turn, fact: .decision(request: request, verdict))
    }

    // MARK: - Reading what was written

    @Test func `a new session is empty and keeps its identity`() throws {
        let first = try root.lease()
        let identity = first.identity
        #expect(identity.count == 32 && identity.allSatisfy(\.isHexDigit))
        #expect(first.created == TemporaryRoot.time)
        #expect(first.names == SessionNames(agent: "agent", session: "s"))
        #expect(try first.entries().isEmpty)
        #expect(try first.request("r1") == nil)
        try first.release()
        let second = try root.lease()
        #expect(second.identity == identity)
        try second.release()
        let other = try root.lease("other")
        #expect(other.identity != identity)
        try other.release()
    }

    @Test func `each kind of entry is read back by a later lease`() throws {
        let long = String(repeating: "é", count: 300_000)
        let entries = [
            Entry(turn: 1, fact: .input(request: "r\u{0}1", text: "a\u{0}b 👩‍👩‍👧 \u{1F}")),
            Entry(
                turn: 1,
                fact: .reply(
                    ModelReply(
                        text: long, toolCalls: [ToolCall(id: "a", name: "t", arguments: "{}")],
                        usage: TokenUsage(input: 1, output: 2, cachedInput: 0)))),
            Entry(turn: 1, fact: .approvalRequest(Self.call, reason: "r")),
            Self.decision("r2"), Self.claim(.once), Self.result(.failed),
        ]
        var leased = try root.lease()
        try leased.append(Array(entries[..<2]))
        try leased.append(Array(entries[2...]))
        #expect(try leased.entries() == entries)
        try leased.release()
        let again = try root.lease()
        #expect(try again.entries() == entries)
        #expect(try again.storedEntries().map(\.sequence) == [1, 2, 3, 4, 5, 6])
        #expect(try again.storedEntries().allSatisfy { $0.time == TemporaryRoot.time })
        #expect(try again.request("r\u{0}1") == RequestRecord(turn: 1, outcome: nil))
        #expect(try again.summary().entries == 6)
        try again.release()
    }

    @Test func `what stands in the file is what the format says`() throws {
        var leased = try root.lease("sess/ion".replacing("/", with: "-"))
        try leased.append(
            [Entry(turn: 1, fact: .input(request: "r", text: "hi"))] + [Self.claim(.idempotent)],
            outcome: .completed(reply: "yo"))
        let epoch = leased.epoch
        try leased.release()
        let database = try root.database("sess-ion")
        #expect(
            try sqlite3(database, "SELECT seq, turn, kind, call, body, at, outcome FROM log") == """
                1|1|input||{"request":"r","text":"hi"}|\(TemporaryRoot.time)|
                2|1|claim|1.0|{"tool":"t","effect":"idempotent","attempt":1}|\(TemporaryRoot.time)\
                |{"status":"completed","reply":"yo"}
                """)
        #expect(
            try sqlite3(database, "SELECT * FROM requests") == "r|1|1")
        #expect(try sqlite3(database, "SELECT * FROM calls") == "1.0|t|idempotent|claimed|1|\(epoch)")
        #expect(
            try sqlite3(database, "SELECT id, agent, session, created, epoch, attempt FROM meta")
                == "1|agent|sess-ion|\(TemporaryRoot.time)|1|attempt")
    }

    @Test func `a lease that writes nothing leaves the files as they are`() throws {
        try root.fill()
        let files = try [root.database(), root.database() + "-wal"]
        let before = files.map { FileManager.default.contents(atPath: $0) }
        let leased = try root.lease()
        #expect(try leased.entries().count == 2)
        try leased.release()
        #expect(files.map { FileManager.default.contents(atPath: $0) } == before)
    }

    // MARK: - Requests

    @Test func `an outcome settles every open request of its turn and no other`() throws {
        var leased = try root.lease()
        try leased.append(turn(1, request: "a"), outcome: .completed(reply: "1"))
        try leased.append(turn(2, request: "b"))
        try leased.append([Entry(turn: 2, fact: .input(request: "c", text: "joins"))])
        #expect(try leased.request("b") == RequestRecord(turn: 2, outcome: nil))
        try leased.append([Entry(turn: 2, fact: .reply(ModelReply(text: "2")))], outcome: .completed(reply: "2"))
        #expect(try leased.request("a") == RequestRecord(turn: 1, outcome: .completed(reply: "1")))
        #expect(try leased.request("b") == RequestRecord(turn: 2, outcome: .completed(reply: "2")))
        #expect(try leased.request("c") == RequestRecord(turn: 2, outcome: .completed(reply: "2")))
        // Settled is settled.
        try leased.append([Entry(turn: 1, fact: .reply(ModelReply(text: "3")))], outcome: .completed(reply: "3"))
        #expect(try leased.request("a")?.outcome == .completed(reply: "1"))
        try leased.release()
    }

    @Test func `one request may decide on several calls`() throws {
        var leased = try root.lease()
        try leased.append([Self.decision("d"), Self.decision("d", index: 1)], outcome: .completed(reply: ""))
        #expect(try leased.request("d") == RequestRecord(turn: 2, outcome: .completed(reply: "")))
        try leased.release()
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        let before: [[Entry]]
        let refused: [Entry]
        let code: SessionStoreError.Code
        var testDescription: String { name }
    }

    static let refusals = [
        Refusal(name: "a request again", before: [turn(1)], refused: turn(2, request: "r1"), code: .duplicateRequest),
        Refusal(
            name: "a request twice in one commit", before: [], refused: turn(1) + turn(1), code: .duplicateRequest),
        Refusal(
            name: "a decision by the request that asked", before: [turn(1)], refused: [decision("r1")],
            code: .duplicateRequest),
        Refusal(
            name: "a decision again", before: [turn(1), [decision("d")]], refused: [decision("d", turn: 3)],
            code: .duplicateRequest),
        Refusal(
            name: "an input by the request that decided", before: [[decision("d")]], refused: turn(3, request: "d"),
            code: .duplicateRequest),
        Refusal(name: "once, twice", before: [[claim(.once)]], refused: [claim(.once)], code: .alreadyClaimed),
        Refusal(name: "once, attempt 2", before: [[claim(.once)]], refused: [claim(.once, 2)], code: .alreadyClaimed),
        Refusal(
            name: "the same attempt", before: [[claim(.idempotent)]], refused: [claim(.idempotent)],
            code: .alreadyClaimed),
        Refusal(
            name: "an attempt too far", before: [[claim(.idempotent)]], refused: [claim(.idempotent, 3)],
            code: .alreadyClaimed),
        Refusal(
            name: "a settled call", before: [[claim(.idempotent)], [result(.succeeded)]],
            refused: [claim(.idempotent, 2)], code: .alreadyClaimed),
        Refusal(
            name: "an unknown call", before: [[claim(.idempotent)], [result(.unknown)]],
            refused: [claim(.idempotent, 2)], code: .alreadyClaimed),
    ]

    @Test(arguments: refusals)
    func `what was there before is refused, nothing of the commit stays, and the lease is dead`(
        _ item: Refusal
    ) throws {
        var leased = try root.lease()
        for entries in item.before { try leased.append(entries) }
        let kept = item.before.flatMap { $0 }
        #expect(try leased.entries() == kept)
        // The offence comes last in its commit.
        let harmless = Entry(turn: 1, fact: .reply(ModelReply(text: "not to be kept")))
        #expect(
            code(of: { try leased.append([harmless] + item.refused, outcome: .completed(reply: "no")) }) == item.code)
        #expect(code(of: { try leased.append([harmless]) }) == .released)
        try leased.release()
        var again = try root.lease()
        #expect(try again.entries() == kept)
        try again.append([harmless])
        #expect(try again.entries() == kept + [harmless])
        try again.release()
    }

    @Test func `an idempotent call is claimed for each attempt, and settled once`() throws {
        var leased = try root.lease()
        for attempt in 1...3 { try leased.append([Self.claim(.idempotent, attempt)]) }
        try leased.append([Self.result(.succeeded)])
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT state, attempt FROM calls") == "settled|3")
    }

    // MARK: - Fencing

    /// The lock keeps other writers out, and SQLite's heap index would not see a writer who comes without one: so the
    /// epoch is moved through the lease's own connection, as a mistake in this library would.
    @Test func `a commit that states a stale epoch is fenced`() throws {
        var leased = try root.lease()
        try leased.append(turn(1))
        try leased.connection.run("UPDATE meta SET epoch = epoch + 1")
        #expect(code(of: { try leased.append(turn(2)) }) == .fenced)
        #expect(code(of: { try leased.append(turn(2)) }) == .released)
        try leased.release()
        var again = try root.lease()
        #expect(try again.entries() == turn(1))
        try again.append(turn(2))
        try again.release()
    }

    @Test func `an epoch that moved between two leases is believed`() throws {
        try root.fill()
        #expect(try sqlite3(root.database(), "UPDATE meta SET epoch = 41; SELECT epoch FROM meta") == "41")
        var leased = try root.lease()
        try leased.append(turn(2))
        try leased.append(turn(3))
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT epoch FROM meta") == "42")
    }
}
