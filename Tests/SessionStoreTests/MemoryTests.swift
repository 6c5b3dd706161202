// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Synchronization
import Testing

@testable import SessionStore

/// What a session keeps beside its log.
@Suite(.timeLimit(.minutes(1)))
struct MemoryTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    /// SQLite's structures, and the index against the texts.
    func check(_ session: String = "s") throws -> String {
        let index = "INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)"
        return try sqlite3(root.database(session), "PRAGMA integrity_check; \(index)")
    }

    func path(_ path: String) throws -> MemoryPath { try MemoryPath(path) }

    @Test func `a text is there for the next lease, with its counters`() throws {
        var leased = try root.lease()
        try leased.change(.write(path("notes/today.txt"), text: "Grüße\u{0}\n"))
        try leased.change(.write(path("notes/today.txt"), text: "two"))
        try leased.noteUse(of: path("notes/today.txt"))
        try leased.confirm()
        try leased.noteUse(of: path("notes/today.txt"))
        try leased.release()
        root.store.closeWarmSessions()
        let again = try root.lease()
        let expected = try MemoryEntry(
            path: path("notes/today.txt"), size: 3, version: 2, uses: 3, used: TemporaryRoot.time,
            updated: TemporaryRoot.time)
        // The use that no commit came after is not counted.
        #expect(try again.memories() == [expected])
        #expect(try again.memoryText(at: path("notes/today.txt")) == "two")
        #expect(try again.memoryText(at: path("notes")) == nil)
        try again.release()
        #expect(try check() == "ok")
    }

    @Test func `a session without memory has no table for it, and an empty memory`() throws {
        let leased = try root.lease()
        #expect(try leased.memories().isEmpty && leased.memory(at: path("a")) == nil)
        #expect(try leased.searchMemory("anything").isEmpty && leased.staleMemories(notUsedSince: .max).isEmpty)
        #expect(try leased.answer(toApplied: "key") == nil)
        #expect(try leased.cachedReply(to: "key", timeToLive: .seconds(1)) == nil)
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'memory%'") == "0")
    }

    @Test func `a change that cannot be made changes nothing, and the lease goes on`() throws {
        var leased = try root.lease()
        try leased.change(.write(path("a/b"), text: "1"))
        try leased.change(.write(path("c"), text: "2"))
        let long = String(repeating: "x", count: 250)
        let longest = Array(repeating: long, count: 4).joined(separator: "/")
        let refused: [(MemoryChange, SessionStoreError.Code)] = [
            (.write(try path("a"), text: ""), .alreadyExists), (.write(try path("c/d"), text: ""), .alreadyExists),
            (.write(try path("d"), text: String(repeating: "é", count: 1 << 19) + "x"), .tooLarge),
            (.remove(try path("b")), .noSuchMemory), (.remove(try path("a/b/c")), .noSuchMemory),
            (.move(try path("b"), to: try path("d")), .noSuchMemory),
            (.move(try path("a"), to: try path("c")), .alreadyExists),
            (.move(try path("c"), to: try path("a")), .alreadyExists),
            (.move(try path("c"), to: try path("c")), .alreadyExists),
            (.move(try path("a"), to: try path("c/d")), .alreadyExists),
            (.move(try path("a"), to: try path("a/d/e")), .invalidName),
            (.move(try path("a"), to: try path(longest + "/" + String(repeating: "y", count: 19))), .invalidName),
        ]
        for (change, expected) in refused {
            do throws(SessionStoreError) {
                try leased.change(change)
                Issue.record("\(change)")
            } catch {
                #expect(error.code == expected)
            }
        }
        #expect(try leased.memories().map(\.path.rawValue) == ["a/b", "c"])
        try leased.change(.write(path("e"), text: String(repeating: "é", count: 1 << 19)))
        try leased.release()
        #expect(try check() == "ok")
    }

    @Test func `a folder is moved and removed with all in it, and nothing beside it`() throws {
        var leased = try root.lease()
        for name in ["a", "b/c", "b/d/e", "b.txt", "b0", "ba/x"] {
            try leased.change(.write(path("f/\(name)"), text: "word \(name)"))
        }
        try leased.change(.move(path("f/b"), to: path("g/h")))
        let moved = ["f/a", "f/b.txt", "f/b0", "f/ba/x", "g/h/c", "g/h/d/e"]
        #expect(try leased.memories().map(\.path.rawValue) == moved)
        #expect(try leased.memories(in: path("g")).map(\.path.rawValue) == ["g/h/c", "g/h/d/e"])
        #expect(try leased.searchMemory("word h").map(\.path.rawValue).sorted() == ["g/h/c", "g/h/d/e"])
        try leased.change(.remove(path("g")))
        #expect(try leased.memories().map(\.path.rawValue) == Array(moved.prefix(4)))
        #expect(try leased.searchMemory("d").map(\.path.rawValue) == [])
        try leased.release()
        #expect(try check() == "ok")
    }

    @Test func `the search takes words as words, whatever else they are to FTS5`() throws {
        var leased = try root.lease()
        try leased.change(.write(path("coffee.md"), text: "Ada drinks her café au lait at 9. NOT tea."))
        try leased.change(.write(path("tea.md"), text: "Charles drinks tea."))
        let found = { (words: String, session: borrowing LeasedSession) throws in
            try session.searchMemory(words).map(\.path.rawValue)
        }
        #expect(try found("cafe", leased) == ["coffee.md"])
        #expect(try found("drin tea", leased) == ["tea.md", "coffee.md"])
        #expect(try found("charles café", leased).sorted() == ["coffee.md", "tea.md"], "none has both")
        #expect(try found("\"au-lait\" OR", leased) == ["coffee.md"])
        for strange in ["", "\"", "*", "NEAR(", "a\u{0}b", "text:tea )", "^tea", "-", "{path}: x"] {
            _ = try found(strange, leased)
        }
        try leased.change(.write(path("東京.md"), text: "エイダは東京に住む。猫が好き。😀"))
        #expect(try found("猫", leased) == ["東京.md"] && found("エイダ 東", leased) == ["東京.md"])
        #expect(try found("好き", leased).isEmpty && found("😀", leased).isEmpty, "a run of letters is one word")
        #expect(try leased.searchMemory("drinks", limit: 1).count == 1)
        #expect(try found("lait " + String(repeating: "a-", count: 50_000), leased) == ["coffee.md"])
        #expect(try leased.searchMemory("lait").first?.excerpt == "Ada drinks her café au lait at 9. NOT tea.")
        try leased.release()
    }

    @Test func `what was left alone the longest is found first`() throws {
        let clock = Mutex<Int64>(1000)
        let store = try SessionStore(root: root.path) { clock.withLock(\.self) }
        var leased = try store.lease(SessionID("t"), of: AgentName("agent"), attempt: "a", until: .now)
        for name in ["a", "b", "c"] {
            try leased.change(.write(path(name), text: name))
            clock.withLock { $0 += 1000 }
        }
        try leased.noteUse(of: path("a"))
        try leased.confirm()
        #expect(try leased.staleMemories(notUsedSince: 4000).map(\.path.rawValue) == ["b", "c"])
        #expect(try leased.staleMemories(notUsedSince: .max, limit: 2).map(\.path.rawValue) == ["b", "c"])
        #expect(try leased.staleMemories(notUsedSince: 2000).isEmpty)
        #expect(try leased.leastUsedMemories(limit: 2).map(\.path.rawValue) == ["b", "c"])
        try leased.release()
    }

    @Test func `a change and its entries are one commit`() throws {
        var leased = try root.lease()
        try leased.append([turn(1)[0]])
        do {
            // A request id that was used before: the whole commit is refused.
            try leased.change(.write(path("a"), text: "1"), recording: [turn(1)[0]])
            Issue.record("a request was accepted twice")
        } catch {
            #expect((error as? SessionStoreError)?.code == .duplicateRequest)
        }
        try leased.release()
        leased = try root.lease()
        #expect(try leased.memories().isEmpty)
        try leased.change(.write(path("a"), text: "1"), recording: [turn(2)[0]])
        #expect(try leased.memories().count == 1 && leased.entries().count == 2)
        try leased.release()
    }

    @Test func `a memory is exported and imported, forked whole, and left as it is by a rewind`() throws {
        var leased = try root.lease()
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.change(.write(path("a"), text: "one"), applying: AppliedCall(key: "k", answer: "done"))
        try leased.append(turn(2), outcome: .completed(reply: "reply 2"))
        try leased.change(.write(path("b"), text: "two"))
        try leased.rewind(toTurn: 1)
        let memories = try leased.memories()
        #expect(memories.count == 2)
        let lines = try leased.archive().lines.map(\.description)
        try leased.release()
        try root.store.fork(SessionID("s"), of: AgentName("agent"), atTurn: 1, as: SessionID("fork"), until: .now)
        let archive = try SessionArchive(lines: lines.map { try JSONValue(parsing: $0.utf8) })
        try root.store.create(SessionID("copy"), of: AgentName("agent"), from: archive, until: .now)
        for session in ["fork", "copy"] {
            let copy = try root.lease(session)
            #expect(try copy.memories() == memories && copy.searchMemory("two").count == 1)
            #expect(try copy.answer(toApplied: "k") == "done")
            try copy.release()
            let report = try root.store.verify(SessionID(session), of: AgentName("agent"))
            #expect(report.isSound, "\(report.findings)")
            #expect(try check(session) == "ok")
        }
        for line in [
            #"{"table":"memory","path":"../a","text":"","version":1,"uses":0,"used":null,"updated":1}"#,
            #"{"table":"memory","path":"a","text":null,"version":1,"uses":0,"used":null,"updated":1}"#,
        ] {
            let bad = try [lines[0], line].map { try JSONValue(parsing: $0.utf8) }
            #expect(code { _ = try SessionArchive(lines: bad) } == .invalidArchive)
        }
    }

    @Test(arguments: [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\b", "a\nb", "%2e%2e", "a%2Fb", "%5C",
        String(repeating: "a", count: 256), Array(repeating: "abc", count: 257).joined(separator: "/"),
    ])
    func `a path that leads somewhere else, or nowhere, is refused`(_ path: String) {
        #expect(code { _ = try MemoryPath(path) } == .invalidName)
    }

    @Test(arguments: [
        "a", "...", ".hidden", "a b/ü.txt", "100%25", "a:b", Array(repeating: "abc", count: 256).joined(separator: "/"),
    ])
    func `other paths are taken`(_ path: String) {
        #expect(code { _ = try MemoryPath(path) } == nil)
    }

    @Test func `two spellings of one character are two paths`() throws {
        var leased = try root.lease()
        try leased.change(.write(path("\u{E9}"), text: "1"))
        try leased.change(.write(path("e\u{301}"), text: "2"))
        #expect(try leased.memories().count == 2 && path("\u{E9}") != path("e\u{301}"))
        try leased.release()
    }

    @Test func `calls that were applied are kept up to a number`() throws {
        var leased = try root.lease()
        try leased.change(.write(path("a"), text: ""), applying: AppliedCall(key: "0", answer: "first"))
        try leased.release()
        let insert = """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(AppliedCall.maximumCount - 1))
            INSERT INTO applied (key, answer) SELECT i, '' FROM n
            """
        _ = try sqlite3(root.database(), insert)
        leased = try root.lease()
        #expect(try leased.answer(toApplied: "0") == "first")
        try leased.change(.write(path("a"), text: ""), applying: AppliedCall(key: "last", answer: ""))
        #expect(try leased.answer(toApplied: "0") == nil)
        #expect(try leased.answer(toApplied: "1") == "" && leased.answer(toApplied: "last") == "")
        try leased.release()
    }

    @Test func `the files beside the sessions are no sessions`() throws {
        let agent = try AgentName("agent")
        try root.fill()
        for id in [SessionID.sharedMemory, .responseCache] {
            var leased = try root.store.lease(id, of: agent, attempt: "a", until: .now)
            try leased.change(.write(path("a"), text: "shared"))
            try leased.release()
            #expect(id.isReserved && code { _ = try SessionID(id.rawValue) } == .invalidName)
            #expect(try root.store.verify(id, of: agent).isSound)
        }
        #expect(try root.store.sessions().readable.map(\.session) == ["s"])
        #expect(try root.store.folders().count == 3, "they are verified with the others")
        try root.store.erase(.sharedMemory, of: agent, until: .now)
        #expect(try root.store.folders().count == 2)
    }
}
