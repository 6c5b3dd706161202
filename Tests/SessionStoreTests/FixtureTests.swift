// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Testing

@testable import SessionStore

/// Session files of every released version, which have to open for ever. `make session-fixture` writes them.
@Suite(.timeLimit(.minutes(1)))
struct FixtureTests {
    let root: TemporaryRoot
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/Sessions")

    static let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
    static let sessions = ["checkpointed", "logged"]

    /// Puts a copy in its place below the root.
    private func copy(_ version: String, _ session: String) throws {
        let place = URL(filePath: try root.makeFolder(session))
        for file in ["s.db", "s.db-wal"] {
            let bytes = try Data(contentsOf: Self.folder.appending(path: "\(version)/\(session)/\(file)"))
            try bytes.write(to: place.appending(path: file))
        }
    }

    @Test func `there are fixtures, each with both sessions`() throws {
        #expect(Self.versions.contains("unreleased"))
        for version in Self.versions {
            let found = try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: version).path)
            #expect(found.sorted() == Self.sessions, "\(version)")
            for session in Self.sessions {
                let log = Self.folder.appending(path: "\(version)/\(session)/s.db-wal").path
                let size = try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int
                #expect((size == 0) == (session == "checkpointed"), "\(version)")
            }
        }
    }

    @Test(arguments: versions, sessions)
    func `a session of an earlier version is whole, and goes on`(_ version: String, _ session: String) throws {
        try copy(version, session)
        let database = try root.database(session)
        var leased = try root.store.leaseExisting(SessionID(session), of: agent, until: .now)
        let entries = try leased.entries()
        #expect(entries.map(\.turn) == [1, 1, 2, 2, 2, 2, 2, 2, 3])
        #expect(entries[0].fact == .input(request: "first", text: "Where is my order 7? — Ada"))
        #expect(try leased.storedEntries().allSatisfy { $0.time == 1_700_000_000_123 })
        let requests = ["first", "second", "third", "fourth"]
        let outcomes = try requests.map { try leased.request($0)?.outcome }
        #expect(outcomes == [.completed(reply: "Which Ada?"), .completed(reply: "It is on its way."), nil, nil])
        #expect(try leased.request("third")?.turn == 3)
        #expect(try leased.history().checkpoints == ["shipped": 2])
        let attachments = try leased.attachments()
        #expect(attachments.map(\.name) == ["label.pdf"] && attachments.map(\.turn) == [2])
        #expect(try leased.bytes(of: attachments[0]) == [UInt8](repeating: 0x25, count: 5000))
        let memory = try MemoryPath("people/ada.txt")
        #expect(try leased.memoryText(at: memory) == "Ada Lovelace has order 7.")
        #expect(try leased.searchMemory("lovelace").map(\.path) == [memory])
        #expect(try leased.answer(toApplied: "key") == "written")
        #expect(try leased.cachedReply(to: "request", timeToLive: .seconds(1))?.text == "You are welcome.")
        // The open turn ends, and another one follows.
        let next = [Entry(turn: 3, fact: .reply(ModelReply(text: "You are welcome.")))]
        try leased.append(next, outcome: .completed(reply: "You are welcome."))
        try leased.append(turn(4, request: "fourth"), outcome: .completed(reply: "reply 4"))
        let identity = leased.identity
        try leased.release()
        let again = try root.lease(session)
        #expect(again.identity == identity)
        #expect(try again.entries() == entries + next + turn(4, request: "fourth"))
        #expect(try again.request("third")?.outcome == .completed(reply: "You are welcome."))
        let archive = try again.archive()
        try again.release()
        #expect(try SessionArchive(lines: archive.lines).entries == archive.entries)
        try root.store.fork(SessionID(session), of: agent, atTurn: 2, as: SessionID("fork"), until: .now)
        // A call that took effect is not claimed again.
        var claiming = try root.lease(session)
        let call = CallPosition(reply: 2, index: 0)
        do {
            try claiming.append([Entry(turn: 5, fact: .claim(call, tool: "ship", effect: .once, attempt: 1))])
            Issue.record("a call was claimed twice")
        } catch {
            #expect(error.code == .alreadyClaimed)
        }
        try claiming.release()
        #expect(try sqlite3(database, "PRAGMA user_version") == "\(Schema.version)")
        #expect(try sqlite3(database, "SELECT count(*) FROM log; PRAGMA integrity_check") == "12\nok")
    }

    @Test(arguments: versions, sessions)
    func `the stock shell reads a fixture`(_ version: String, _ session: String) throws {
        try copy(version, session)
        let database = try root.database(session)
        #expect(try sqlite3(database, "PRAGMA integrity_check; SELECT count(*) FROM log") == "ok\n9")
        #expect(try sqlite3(database, "SELECT id, state FROM calls") == "2.0|settled")
        #expect(try sqlite3(database, "SELECT agent, session FROM meta") == "agent|\(session)")
    }

    /// Before a release, a change of the schema is not a migration: `make session-fixture` writes these two anew.
    @Test(arguments: sessions) func `the unreleased fixture has the schema of today`(_ session: String) throws {
        try copy("unreleased", session)
        var new = try root.lease("new")
        try new.change(.write(MemoryPath("a"), text: "b"), applying: AppliedCall(key: "c", answer: "d"))
        try new.cache(ModelReply(text: "e"), to: "f", timeToLive: .seconds(1), capacity: 1 << 20)
        try new.release()
        let tables = "SELECT sql FROM sqlite_schema ORDER BY name; PRAGMA user_version"
        #expect(try sqlite3(root.database(session), tables) == sqlite3(root.database("new"), tables))
    }
}
