// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct ArchiveTests {
    let root: TemporaryRoot
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
    }

    static let call = CallPosition(reply: 2, index: 0)

    /// Three turns; the second has a tool call, the third is open.
    func fill() throws -> SessionArchive {
        let reply = ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "t", arguments: #"{"n": 1.0}"#)])
        var leased = try root.lease("original")
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.append(
            [
                Entry(turn: 2, fact: .input(request: "r2", text: "zwei\u{0} \"2\"")),
                Entry(turn: 2, fact: .reply(reply)),
                Entry(turn: 2, fact: .claim(Self.call, tool: "t", effect: .once, attempt: 1)),
                Entry(turn: 2, fact: .result(Self.call, ToolResult(status: .succeeded, content: "done"))),
                Entry(turn: 2, fact: .reply(ModelReply(text: "reply 2"))),
            ], outcome: .completed(reply: "reply 2"))
        try leased.checkpoint("two")
        try leased.append([turn(3)[0]])
        let archive = try leased.archive()
        try leased.release()
        return archive
    }

    func archive(of session: String) throws -> SessionArchive {
        let leased = try root.lease(session)
        let archive = try leased.archive()
        try leased.release()
        return archive
    }

    @Test func `an archive as JSON Lines is read back as it was`() throws {
        let archive = try fill()
        let lines = archive.lines.map(\.description)
        #expect(lines.count == 1 + 9 + 3 + 1)
        #expect(lines.allSatisfy { !$0.contains("\n") })
        let again = try SessionArchive(lines: lines.map { try JSONValue(parsing: $0.utf8) })
        #expect(again.lines.map(\.description) == lines)
        #expect(again.entries == archive.entries)
    }

    @Test func `a session under its own names is the same one elsewhere`() throws {
        let archive = try fill()
        let other = try TemporaryRoot()
        try other.store.create(SessionID("original"), of: agent, from: archive, until: .now)
        let leased = try other.lease("original")
        #expect(leased.identity == archive.identity)
        #expect(try leased.storedEntries() == archive.entries)
        #expect(try leased.request("r2") == RequestRecord(turn: 2, outcome: .completed(reply: "reply 2")))
        #expect(try leased.request("r3") == RequestRecord(turn: 3, outcome: nil))
        try leased.release()
        #expect(try sqlite3(other.database("original"), "PRAGMA integrity_check") == "ok")
        #expect(try sqlite3(other.database("original"), "SELECT id, state FROM calls") == "2.0|settled")
    }

    @Test func `a copy has an identity of its own`() throws {
        let archive = try fill()
        try root.store.create(SessionID("copy"), of: agent, from: archive, until: .now)
        let copy = try self.archive(of: "copy")
        #expect(copy.identity != archive.identity)
        #expect(copy.entries == archive.entries)
    }

    @Test func `a fork goes on from the turn that it was made at`() throws {
        let archive = try fill()
        let (original, fork) = (try SessionID("original"), try SessionID("fork"))
        try root.store.fork(original, of: agent, atTurn: 2, as: fork, until: .now)
        var leased = try root.lease("fork")
        #expect(leased.identity != archive.identity)
        #expect(try leased.storedEntries() == archive.entries.filter { $0.entry.turn <= 2 })
        #expect(try leased.request("r2")?.outcome == .completed(reply: "reply 2"))
        #expect(try leased.request("r3") == nil)
        #expect(try leased.history().checkpoints == ["two": 2])
        try leased.append(turn(3, text: "otherwise"), outcome: .completed(reply: "reply 3"))
        try leased.release()
        #expect(try self.archive(of: "original").entries == archive.entries)
        #expect(
            try sqlite3(root.database("fork"), "SELECT origin FROM meta") == #"{"session":"original","turn":2}"#)
        try root.store.fork(fork, of: agent, atTurn: 1, as: SessionID("fork of the fork"), until: .now)
        #expect(try self.archive(of: "fork of the fork").entries == archive.entries.filter { $0.entry.turn == 1 })
        #expect(try sqlite3(root.database("fork of the fork"), "SELECT count(*) FROM calls") == "0")
    }

    @Test func `a fork is not sent what its original has asked for`() throws {
        let (original, fork) = (try SessionID("original"), try SessionID("fork"))
        var leased = try root.lease("original")
        let message = ScheduledMessage(id: "m", due: 1, text: "Water the plants.")
        try leased.append(
            [turn(1)[0], Entry(turn: 1, fact: .schedule(message)), turn(1)[1]], outcome: .completed(reply: "reply 1"))
        try leased.append(turn(2), outcome: .completed(reply: "reply 2"))
        #expect(try leased.history().schedules == [message])
        try leased.release()
        try root.store.fork(original, of: agent, as: fork, until: .now)
        leased = try root.lease("fork")
        #expect(try leased.history().schedules == [])
        #expect(try leased.storedEntries().map(\.sequence) == [1, 2, 3, 4])
        #expect(try leased.storedEntries().map(\.entry) == turn(1) + turn(2))
        for number in 1...2 {
            #expect(try leased.request("r\(number)")?.outcome == .completed(reply: "reply \(number)"))
        }
        try leased.release()
        #expect(try root.store.verify(fork, of: agent).isSound)
        // The one that takes a session's place is.
        let folder = try root.folder("original").dropFirst(root.path.utf8.count + 1)
        #expect(try root.store.salvage(folder: String(folder)).history().schedules == [message])
    }

    @Test func `a fork is refused where it cannot be`() throws {
        _ = try fill()
        try root.fill("taken")
        let original = try SessionID("original")
        let missing = #expect(throws: SessionStoreError.self) {
            try root.store.fork(SessionID("nobody"), of: agent, as: SessionID("a"), until: .now)
        }
        #expect(missing?.code == .noSuchSession)
        for turn in [nil, 3, 4, -1] {
            let open = #expect(throws: SessionStoreError.self) {
                try root.store.fork(original, of: agent, atTurn: turn, as: SessionID("b"), until: .now)
            }
            #expect(open?.code == .noSuchTurn)
        }
        let taken = #expect(throws: SessionStoreError.self) {
            try root.store.fork(original, of: agent, atTurn: 2, as: SessionID("taken"), until: .now)
        }
        #expect(taken?.code == .alreadyExists)
        #expect(try archive(of: "taken").entries.map(\.entry) == turn(1))
        #expect(try !FileManager.default.fileExists(atPath: root.folder("b")))
    }

    @Test(arguments: [
        ("[]", "line 1"), (#"{"perdure":"session","version":1}"#, "whose session"),
        (#"{"perdure":"session","version":2,"agent":"a","session":"s","identity":"i","created":1}"#, "version 2"),
        (#"{"perdure":"session"}"#, "line 1"),
    ])
    func `what does not begin as an archive is refused`(line: String, reason: String) throws {
        let error = #expect(throws: SessionStoreError.self) {
            try SessionArchive(lines: [JSONValue(parsing: line.utf8)])
        }
        #expect(error?.detail.contains(reason) == true, "\(error as Any)")
    }

    @Test(arguments: [
        #"{}"#, #"{"table":"meta"}"#, #"{"table":"log"}"#,
        #"{"table":"log","seq":1,"turn":2,"kind":"input","call":null,"at":1,"body":{"request":"r","text":"t"}}"#,
        #"{"table":"log","seq":0,"turn":1,"kind":"input","call":null,"at":1,"body":{"request":"r","text":"t"}}"#,
        #"{"table":"log","seq":1,"turn":1,"kind":"shout","call":null,"at":1,"body":{"request":"r","text":"t"}}"#,
        #"{"table":"log","seq":1,"turn":1,"kind":"input","call":"x","at":1,"body":{"request":"r","text":"t"}}"#,
        #"{"table":"log","seq":1,"turn":1,"kind":"input","call":null,"at":1,"body":{"request":"r"}}"#,
        #"{"table":"requests","id":"r"}"#, #"{"table":"calls","id":"1.0","attempt":1.5}"#,
    ])
    func `a line that is wrong is named, and nothing is created`(line: String) throws {
        let head = #"{"perdure":"session","version":1,"agent":"a","session":"s","identity":"i","created":1}"#
        let error = #expect(throws: SessionStoreError.self) {
            try SessionArchive(lines: [head, line].map { try JSONValue(parsing: $0.utf8) })
        }
        #expect(error?.code == .invalidArchive)
        #expect(error?.detail.hasPrefix("line 2: ") == true)
    }

    @Test func `rows that contradict each other leave an empty session`() throws {
        let archive = try fill()
        let lines = archive.lines.map(\.self)
        let doubled = try SessionArchive(lines: lines + [lines[lines.count - 1]])
        let error = #expect(throws: SessionStoreError.self) {
            try root.store.create(SessionID("new"), of: agent, from: doubled, until: .now)
        }
        #expect(error != nil)
        #expect(try self.archive(of: "new").entries.isEmpty)
        try root.store.create(SessionID("new"), of: agent, from: archive, until: .now)
    }
}
