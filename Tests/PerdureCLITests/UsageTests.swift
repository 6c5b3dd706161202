// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(1))) struct UsageTests {
    let sessions: StoredSessions

    /// A turn of two steps, one without a count, and a turn of one.
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
            .input(request: "2", text: "And?"), .reply(ModelReply(text: "So.", usage: .init(input: 120, output: 2))),
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
                2      1      120    0       2       0.000000
                total  3      220    60      9       0.001500

                """)
        let steps = try await usage("a", "--steps", "--json")
        let json = try JSONValue(parsing: steps.output.utf8)
        #expect(json["total"]?["costMicros"] == 1500)
        #expect(json["steps"]?.array?.map { $0["inputTokens"] } == [100, 0, 120])
        #expect(json["turns"]?.array?.map { $0["modelCalls"] } == [2, 1])
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
}
