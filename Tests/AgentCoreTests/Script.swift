// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

/// A session's life as it should be, to be cut everywhere.
struct Script: Sendable, CustomTestStringConvertible {
    let name: String
    let replies: [ModelReply]
    let deliveries: [World.Delivery]
    var maximumModelCalls = 16
    var context = ContextPolicy.everything
    /// The kinds of the log when nothing goes wrong.
    let log: String

    var testDescription: String { name }

    static let all: [Script] =
        [
            Script(name: "no tools", replies: [says("hi")], deliveries: [hello], log: "input reply"),
            Script(
                name: "two turns",
                replies: [says("hi"), calls("pay"), says("done")],
                deliveries: [hello, .message("pay", request: "2")],
                log: "input reply input reply claim result reply"
            ),
            Script(
                name: "two tools, one after the other",
                replies: [calls("pay"), calls("set"), says("done")],
                deliveries: [hello],
                log: "input reply claim result reply claim result reply"
            ),
        ] + parallel + approvals + mistakes + cuts

    private static let parallel = [
        ["read", "read"], ["read", "set"], ["read", "pay"], ["set", "set"], ["set", "pay"], ["pay", "pay"],
        ["read", "set", "pay"], ["pay", "pay", "set", "read"],
    ].map { names in
        Script(
            name: "in parallel: " + names.joined(separator: ", "),
            replies: [calls(names), says("done")],
            deliveries: [hello],
            log: (["input", "reply"] + names.filter { $0 != "read" }.map { _ in "claim" } + names.map { _ in "result" }
                + ["reply"]).joined(separator: " ")
        )
    }

    private static let approvals = [
        Script(
            name: "approved",
            replies: [calls("ask"), says("done")],
            deliveries: [hello, decide("2", (0, true))],
            log: "input reply approval decision claim result reply"
        ),
        Script(
            name: "rejected",
            replies: [calls("ask"), says("done")],
            deliveries: [hello, decide("2", (0, false))],
            log: "input reply approval decision result reply"
        ),
        Script(
            name: "one approved, one rejected, one that needs none",
            replies: [calls("ask", "pay", "ask"), says("done")],
            deliveries: [hello, decide("2", (0, true), (2, false))],
            log: "input reply approval claim approval result decision decision result claim result reply"
        ),
        Script(
            name: "decided one after the other",
            replies: [calls("ask", "ask"), says("done")],
            deliveries: [hello, decide("2", (1, true)), decide("3", (0, false))],
            log: "input reply approval approval decision claim result decision result reply"
        ),
        Script(
            name: "a message instead of a decision",
            replies: [calls("ask", "set"), says("fine")],
            deliveries: [hello, .message("never mind", request: "2")],
            log: "input reply approval claim result result input reply"
        ),
    ]

    private static let mistakes = [
        Script(
            name: "the last model call has no tools",
            replies: [calls("pay"), calls(["pay"], text: "enough")],
            deliveries: [hello],
            maximumModelCalls: 2,
            log: "input reply claim result reply"
        ),
        Script(
            name: "bad arguments",
            replies: [
                ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "pay", arguments: "{")]), says("sorry"),
            ],
            deliveries: [hello],
            log: "input reply result reply"
        ),
        Script(
            name: "an unknown tool beside a known one",
            replies: [calls("fly", "pay"), says("sorry")],
            deliveries: [hello],
            log: "input reply result claim result reply"
        ),
        Script(
            name: "empty arguments",
            replies: [ModelReply(text: "", toolCalls: [ToolCall(id: "a", name: "pay", arguments: "")]), says("done")],
            deliveries: [hello],
            log: "input reply claim result reply"
        ),
    ]

    private static let hello = World.Delivery.message("hello", request: "1")

    private static func says(_ text: String) -> ModelReply { ModelReply(text: text) }

    private static func calls(_ names: String...) -> ModelReply { calls(names) }

    private static func calls(_ names: [String], text: String = "") -> ModelReply {
        let calls = names.enumerated().map { ToolCall(id: "id-\($0)", name: $1, arguments: #"{"n": 1}"#) }
        return ModelReply(text: text, toolCalls: calls, finishReason: "tool_calls")
    }

    private static func decide(_ request: String, _ verdicts: (index: Int, isApproved: Bool)...) -> World.Delivery {
        let verdicts = verdicts.map {
            Verdict(position: CallPosition(reply: 1, index: $0.index), isApproved: $0.isApproved)
        }
        return .verdicts(verdicts, request: request)
    }
}
