// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct HistoryTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    func fill(turns: Int) throws -> LeasedSession {
        var leased = try root.lease()
        for number in 1...turns { try leased.append(turn(number), outcome: .completed(reply: "reply \(number)")) }
        return leased
    }

    func texts(_ history: History) -> [String] {
        history.messages.compactMap { if case .user(let text) = $0 { text } else { nil } }
    }

    @Test func `a tail and a page are parts of the log`() throws {
        let leased = try fill(turns: 10)
        let all = try leased.storedEntries()
        #expect(try leased.tail(3) == Array(all.suffix(3)))
        #expect(try leased.tail(100) == all)
        #expect(try leased.tail(0).isEmpty && leased.tail(-1).isEmpty)
        var paged: [StoredEntry] = []
        while true {
            let page = try leased.entries(after: paged.last?.sequence ?? 0, limit: 7)
            if page.isEmpty { break }
            paged += page
        }
        #expect(paged == all)
        try leased.release()
    }

    @Test func `a checkpoint names a turn, and a rewind goes back to it`() throws {
        var leased = try fill(turns: 2)
        try leased.checkpoint("good")
        try leased.append(turn(3))
        #expect(try leased.history().turn(ofCheckpoint: "good") == 2)
        try leased.rewind(toTurn: 2)
        try leased.append(turn(5, text: "again"))
        try leased.release()
        let again = try root.lease()
        #expect(try texts(again.history()) == ["text", "text", "again"])
        // The log keeps what was taken back, and the request that was open is answered.
        #expect(try again.entries().count == 10)
        #expect(try again.request("r3")?.outcome == .failed(reason: "the conversation was taken back"))
        #expect(try again.request("r2")?.outcome == .completed(reply: "reply 2"))
        try again.release()
    }

    @Test func `a claim that was open when the conversation was taken back is unknown`() throws {
        var leased = try fill(turns: 1)
        let call = CallPosition(reply: 2, index: 0)
        let reply = ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "t", arguments: "{}")])
        try leased.append([
            Entry(turn: 2, fact: .input(request: "r2", text: "go")), Entry(turn: 2, fact: .reply(reply)),
            Entry(turn: 2, fact: .claim(call, tool: "t", effect: .once, attempt: 1)),
        ])
        try leased.rewind(toTurn: 1)
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT state FROM calls") == "unknown")
    }

    @Test func `what cannot be named or gone back to is refused, and nothing is written`() throws {
        var leased = try root.lease()
        #expect(throws: SessionStoreError.self) { try leased.checkpoint("x") }
        try leased.append([turn(1)[0]])
        let open = #expect(throws: SessionStoreError.self) { try leased.checkpoint("x") }
        #expect(open?.code == .noSuchTurn)
        try leased.append([turn(1)[1]])
        for label in ["", String(repeating: "x", count: 257), "a\nb"] {
            let error = #expect(throws: SessionStoreError.self) { try leased.checkpoint(label) }
            #expect(error?.code == .invalidName)
        }
        for target in [-1, 2, Int.max] {
            let error = #expect(throws: SessionStoreError.self) { try leased.rewind(toTurn: target) }
            #expect(error?.code == .noSuchTurn)
        }
        let unknown = #expect(throws: SessionStoreError.self) { _ = try leased.history().turn(ofCheckpoint: "x") }
        #expect(unknown?.code == .noSuchTurn)
        #expect(try leased.entries() == turn(1))
        try leased.release()
    }
}
