// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore

extension Script {
    /// Seven rounds of one tool call in one turn, or four turns with one each. A round is about 50 tokens, and what each
    /// request begins with about 40.
    static let cuts: [Script] = [
        inOneTurn("messages", .window(messages: 6, keeping: 3), rounds: "R R R cut R R cut R R cut"),
        inOneTurn("tokens", .window(tokens: 250, keeping: 120), rounds: "R R R R R cut R R"),
        inOneTurn(
            "results", .droppingToolResults(beyond: 250, keepingNewest: 1, freeing: 40), rounds: "R R R R R cut R R"),
        // The second one is refused.
        inOneTurn("summaries", .summarising(beyond: 200, keeping: 110), rounds: "R R R R cut R R cut R"),
        inOneTurn(
            "results, then summaries",
            [
                .droppingToolResults(beyond: 200, keepingNewest: 1, freeing: 40),
                .summarising(beyond: 250, keeping: 120),
            ],
            rounds: "R R R R cut R R cut R"),
        inSeveralTurns("turns", .window(turns: 2, keeping: 1), cutIn: 3),
        inSeveralTurns("tokens", .window(tokens: 200, keeping: 110), cutIn: 4),
        inSeveralTurns("summaries", .summarising(beyond: 200, keeping: 110), cutIn: 4),
    ]

    /// - Parameter rounds: `R` for a call and its result, `cut` for a compaction before the next request.
    private static func inOneTurn(_ name: String, _ context: ContextPolicy, rounds: String) -> Script {
        let call = ToolCall(id: "id", name: "set", arguments: #"{"n": 1}"#)
        let log = rounds.replacing("R", with: "reply claim result").replacing("cut", with: "compaction")
        return Script(
            name: "cut in one turn: \(name)",
            replies: Array(repeating: ModelReply(text: "", toolCalls: [call]), count: 7) + [ModelReply(text: "done")],
            deliveries: [.message("hello", request: "1")], context: context, log: "input \(log) reply")
    }

    private static func inSeveralTurns(_ name: String, _ context: ContextPolicy, cutIn cut: Int) -> Script {
        let call = ToolCall(id: "id", name: "set", arguments: #"{"n": 1}"#)
        return Script(
            name: "cut in several turns: \(name)",
            replies: (1...4).flatMap { [ModelReply(text: "", toolCalls: [call]), ModelReply(text: "done \($0)")] },
            deliveries: (1...4).map { .message("message \($0)", request: "\($0)") }, context: context,
            log: (1...4).map { "input \($0 == cut ? "compaction " : "")reply claim result reply" }.joined(
                separator: " "))
    }
}
