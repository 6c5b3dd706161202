// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct ListingTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    @Test func `an empty root has no sessions`() throws {
        let found = try root.store.sessions()
        #expect(found.readable.isEmpty && found.unreadable.isEmpty)
    }

    @Test func `sessions are listed by agent and id, with what is in them`() throws {
        try root.fill("b")
        try root.fill("a b/".replacing("/", with: "é"))
        let other = try root.store.lease(SessionID("c"), of: AgentName("Agent-0"), attempt: "", until: .now)
        try other.release()
        let found = try root.store.sessions()
        #expect(found.unreadable.isEmpty)
        let time = TemporaryRoot.time
        #expect(
            found.readable == [
                SessionSummary(agent: "Agent-0", session: "c", turns: 0, entries: 0, created: time, updated: nil),
                SessionSummary(agent: "agent", session: "a bé", turns: 1, entries: 2, created: time, updated: time),
                SessionSummary(agent: "agent", session: "b", turns: 1, entries: 2, created: time, updated: time),
            ])
    }

    @Test func `a busy session and a damaged one are reported and passed over`() throws {
        for session in ["a", "b", "c", "d"] { try root.fill(session) }
        #expect(try sqlite3(root.database("c"), "DROP TABLE meta") == "")
        let child = try Child.writer("hold", root.path, "d")
        #expect(try child.line() == "leased")
        let leased = try root.lease("b")
        let found = try root.store.sessions()
        #expect(found.readable.map(\.session) == ["a"])
        let reasons = Dictionary(uniqueKeysWithValues: found.unreadable.map { ($0.folder, $0.error.code) })
        let prefix = root.store.root.utf8.count + 1
        #expect(try reasons[String(root.folder("b").dropFirst(prefix))] == .busy)
        #expect(try reasons[String(root.folder("c").dropFirst(prefix))] == .damaged)
        #expect(try reasons[String(root.folder("d").dropFirst(prefix))] == .busy)
        #expect(reasons.count == 3)
        try leased.release()
        try child.endInput()
        #expect(child.wait() == 0)
        #expect(try root.store.sessions().readable.map(\.session) == ["a", "b", "d"])
    }

    @Test func `what is no session is passed over`() throws {
        try root.fill("a")
        let shard = (try root.folder("a") as NSString).deletingLastPathComponent
        for path in ["/notes", "/agent/no", "/agent/README", "/agent/.hidden"] {
            try Data("x".utf8).write(to: URL(fileURLWithPath: root.path + path))
        }
        try Data("x".utf8).write(to: URL(fileURLWithPath: shard + "/stray"))
        for path in ["/lost+found", "/.nfs", "/agent/00/empty", "/empty"] {
            try FileManager.default.createDirectory(atPath: root.path + path, withIntermediateDirectories: true)
        }
        let found = try root.store.sessions()
        #expect(found.readable.map(\.session) == ["a"])
        #expect(found.unreadable.isEmpty)
    }
}
