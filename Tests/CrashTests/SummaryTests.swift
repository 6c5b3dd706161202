// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Kills the bootstrap for real, with SIGKILL, at each point of a turn in which a summary of what was said before is written.
@Suite(.serialized) struct SummaryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let point: String
        /// The request that is made twice, of the five there are: two of the turn before, the summary's, and two that
        /// begin with the summary; or, where it is written in the middle of the turn, one before it and one behind it.
        var again: Int?
        var againInTheMiddle: Int?
        var effects = 2

        var testDescription: String { point }
    }

    static let cases = [
        Case(point: "before the summary is asked for"),
        // As with any answer that was paid for and not kept.
        Case(point: "before the summary is stored", again: 2, againInTheMiddle: 3),
        Case(point: "when the summary is stored"),
        Case(point: "before the first answer is stored", again: 3, againInTheMiddle: 2),
        Case(point: "between claim and effect of set"),
        Case(point: "after the effect of set", effects: 3),
        Case(point: "before the last answer is stored", again: 4, againInTheMiddle: 4),
        Case(point: "before the reply"),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: cases, [false, true])
    func `a turn with a summary survives a SIGKILL, and its requests are the same bytes`(
        _ test: Case, inTheMiddle: Bool
    ) async throws {
        let undisturbed = try await requests(inTheMiddle, crashing: nil)
        #expect(undisturbed.count == 5 && Set(undisturbed).count == 5)
        var expected = undisturbed
        if let again = inTheMiddle ? test.againInTheMiddle : test.again {
            expected.insert(undisturbed[again], at: again)
        }
        #expect(try await requests(inTheMiddle, crashing: test) == expected)
    }

    /// Two turns, and what the model was asked in them.
    private func requests(_ inTheMiddle: Bool, crashing test: Case?) async throws -> [String] {
        let environment = ["SUMMARISES": "1", "CRASH_AT": test?.point ?? "nowhere"]
        let asked = Mutex<[String]>([])
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, request in
            Self.answer(number, request, inTheMiddle)
        }
        try await Deployment.run(environment: environment, answer: answer) { deployment in
            let mark = deployment.root.appendingPathComponent("mark")
            // The first turn is not to die.
            try Data().write(to: mark)
            let first = try await deployment.invoke(["session": "s", "id": "1", "message": .init(Self.long)])
            #expect(first.answer["reply"]?.string == "All done.")
            try FileManager.default.removeItem(at: mark)
            let event: JSONValue = ["session": "s", "id": "2", "message": "Again."]
            if test != nil {
                let killed = try await deployment.invoke(event)
                #expect(killed.isError && killed.answer["errorType"]?.string == "Runtime.ExitError")
            }
            for _ in 0..<2 {
                let answered = try await deployment.invoke(event)
                #expect(answered.answer["reply"]?.string == "All done.", "\(answered.answer)")
            }
            #expect(try deployment.query("PRAGMA integrity_check") == "ok")
            #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'compaction'") == "1")
            let summary = "SELECT json_extract(body, '$.summary') FROM log WHERE kind = 'compaction'"
            #expect(try deployment.query(summary) == "They want it done.")
            #expect(deployment.model.answeredCount == deployment.model.requests.count)
            #expect(deployment.effects.count == test?.effects ?? 2)
            #expect(Set(deployment.effects.map(\.key)).count == 2)
            asked.withLock { $0 = deployment.model.requests.map(\.description) }
        }
        return asked.withLock(\.self)
    }

    private static let long = "Do it. " + String(repeating: "It is long. ", count: 400)

    /// A tool's call and a text for each message. The first text, or the second call, comes with a count that makes a
    /// summary due.
    private static func answer(
        _ number: Int, _ request: JSONValue, _ inTheMiddle: Bool
    ) -> ScriptedModelServer.Step {
        let newest = request["messages"]?.array?.last
        let text = newest?["content"]?.string ?? ""
        if text == ContextPolicy.standardInstructions { return reply("They want it done.") }
        if newest?["role"]?.string == "tool" {
            return reply("All done.", tokens: number == 1 && !inTheMiddle ? 10_000 : 100)
        }
        return reply("", calling: "set", tokens: text.hasSuffix("Again.") && inTheMiddle ? 10_000 : 100)
    }

    private static func reply(
        _ text: String, calling tool: String? = nil, tokens: Int = 100
    ) -> ScriptedModelServer.Step {
        var message: JSONObject = ["role": "assistant", "content": .init(text)]
        if let tool {
            let function: JSONValue = ["name": .init(tool), "arguments": "{}"]
            message["tool_calls"] = [["id": "call", "type": "function", "function": function]]
        }
        let answer: JSONValue = [
            "choices": [["index": 0, "message": .object(message), "finish_reason": "stop"]],
            "usage": ["prompt_tokens": .init(tokens), "completion_tokens": 5],
        ]
        return .whole(answer.description)
    }
}
