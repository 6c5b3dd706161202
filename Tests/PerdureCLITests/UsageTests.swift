// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SessionStore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct UsageTests {
    let sessions: StoredSessions

    /// A turn of two steps, one without a count, and a turn of a summary and a step.
    init() throws {
        sessions = try StoredSessions()
        var lease = try sessions.store.lease(SessionID("a"), of: AgentName("support"), attempt: "1", until: .now)
        let position = CallPosition(reply: 1, index: 0)
        let call = ToolCall(id: "c", name: "look", arguments: "{}")
        let first: [Entry.Fact] = [
            .input(request: "1", text: "Where?"),
            .reply(
                ModelReply(
                    text: "", toolCalls: [call], usage: .init(input: 100, output: 7, cachedInput: 60, cost: 1500))),
            .result(position, ToolResult(status: .succeeded, content: "here")),
            .reply(ModelReply(text: "Here.")),
        ]
        try lease.append(first.map { Entry(turn: 1, fact: $0) }, outcome: .completed(reply: "Here."))
        let second: [Entry.Fact] = [
            .input(request: "2", text: "And?"),
            .compaction(
                Compaction(dropped: 4, summary: "They asked.", modelAnswered: true, usage: .init(input: 30, output: 5))),
            .reply(ModelReply(text: "So.", usage: .init(input: 120, output: 2))),
        ]
        try lease.append(second.map { Entry(turn: 2, fact: $0) }, outcome: .completed(reply: "So."))
        try lease.release()
        try sessions.fill("b")
    }

    private func usage(_ arguments: String...) async throws -> (status: Int32, output: String) {
        let program = try Program("perdure", ["usage"] + arguments + ["--root", sessions.root])
        return try await program.finish()
    }

    @Test func `a session's turns and its steps are summed up`() async throws {
        let turns = try await usage("a")
        #expect(
            turns.output == """
                TURN   CALLS  INPUT  CACHED  OUTPUT  COST
                1      2      100    60      7       0.001500
                2      2      150    0       7       0.000000
                total  4      250    60      14      0.001500

                """)
        let steps = try await usage("a", "--steps", "--json")
        let json = try JSONValue(parsing: steps.output.utf8)
        #expect(json["total"]?["costMicros"] == 1500)
        #expect(json["steps"]?.array?.map { $0["inputTokens"] } == [100, 0, 30, 120])
        #expect(json["steps"]?.array?.map { $0["step"] } == [1, 2, nil, 3])
        #expect(json["turns"]?.array?.map { $0["modelCalls"] } == [2, 2])
    }

    @Test func `a session shows where its conversation was cut`() async throws {
        let program = try Program("perdure", ["show", "a", "--root", sessions.root])
        let shown = try await program.finish().output
        #expect(shown.contains("cut: no longer sent: the first 4 messages; in their place:\nThey asked."))
    }

    @Test func `all sessions are summed up, or one agent's`() async throws {
        let all = try await usage("--json")
        let json = try JSONValue(parsing: all.output.utf8)
        #expect(json["sessions"]?.array?.count == 2)
        #expect(try await usage().output.contains("support  a"))
        #expect(try await usage("--agent", "other").output == "no sessions\n")
        #expect(try await usage("--steps").status == 64)
        #expect(try await usage("none").status == 64)
    }

    @Test func `a reply from a cache is a step that cost nothing and no call`() async throws {
        var lease = try sessions.store.lease(SessionID("c"), of: AgentName("support"), attempt: "1", until: .now)
        let reply = ModelReply(text: "Hi.", usage: TokenUsage(), isFromCache: true)
        try lease.append(
            [Entry(turn: 1, fact: .input(request: "1", text: "Hi")), Entry(turn: 1, fact: .reply(reply))],
            outcome: .completed(reply: "Hi."))
        try lease.release()
        let json = try JSONValue(parsing: try await usage("c", "--steps", "--json").output.utf8)
        #expect(json["total"]?["modelCalls"] == 0 && json["steps"]?.array?.count == 1)
    }

    @Test func `sessions that cannot be read do not keep the others from being summed up`() async throws {
        // A copy of a folder has the names of its original, which it is not.
        let copy = "\(sessions.root)/\(try sessions.folder("b"))-copy"
        let original = "\(sessions.root)/\(try sessions.folder("b"))"
        try FileManager.default.copyItem(atPath: original, toPath: copy)
        try FileManager.default.removeItem(atPath: original)
        let program = try Program("perdure", ["usage", "--root", sessions.root])
        let (status, output) = try await program.finish()
        #expect(status == 1 && output.contains("support  a"))
        #expect(program.errors.withLock { $0.contains("support/b: noSuchSession") })
    }
}
