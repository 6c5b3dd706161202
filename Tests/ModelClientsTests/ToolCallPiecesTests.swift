// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import PerdureTesting
import Testing

@testable import ModelClients

/// Tool calls, cut in the ways that servers cut them.
@Suite struct ToolCallPiecesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The elements of `tool_calls`, a chunk each; several in one string are one chunk.
        var pieces: [String]
        var calls: [ToolCall] = [one]

        init(_ name: String, _ pieces: [String], _ calls: [ToolCall] = [one]) {
            testDescription = name
            self.pieces = pieces
            self.calls = calls
        }
    }

    static let one = ToolCall(id: "a", name: "look_up", arguments: #"{"n":1}"#)
    static let two = ToolCall(id: "b", name: "refund", arguments: #"{"m":2}"#)
    static let nameless = [
        ToolCall(id: "call_0", name: "look_up", arguments: #"{"n":1}"#),
        ToolCall(id: "call_1", name: "refund", arguments: #"{"m":2}"#),
    ]
    static let twins = [
        ToolCall(id: "call_0", name: "look_up", arguments: #"{"n":1}"#),
        ToolCall(id: "call_1", name: "look_up", arguments: #"{"n":2}"#),
    ]

    static func piece(index: Int? = nil, id: String? = nil, name: String? = nil, _ arguments: String? = nil) -> String {
        var object: JSONObject = [:]
        if let index { object["index"] = .init(index) }
        if let id { object["id"] = .init(id) }
        object["type"] = "function"
        var function: JSONObject = [:]
        if let name { function["name"] = .init(name) }
        if let arguments { function["arguments"] = .init(arguments) }
        object["function"] = .object(function)
        return JSONValue.object(object).description
    }

    static let cases = [
        Case("everything in one chunk", [piece(index: 0, id: "a", name: "look_up", #"{"n":1}"#)]),
        Case("one chunk without an index", [piece(id: "a", name: "look_up", #"{"n":1}"#)]),
        Case(
            "id and name once, index always",
            [piece(index: 0, id: "a", name: "look_up", ""), piece(index: 0, #"{"n""#), piece(index: 0, ":1}")]),
        Case(
            "id, name and index once",
            [piece(index: 0, id: "a", name: "look_up"), piece(#"{"n""#), piece(":1}")]),
        Case(
            "no index at all",
            [piece(id: "a", name: "look_up", ""), piece(#"{"n""#), piece(":1}")]),
        Case(
            "an index from the second piece on",
            [piece(id: "a", name: "look_up", #"{"n""#), piece(index: 0, ":1}")]),
        Case(
            "id and name repeated",
            [
                piece(index: 0, id: "a", name: "look_up", #"{"n""#), piece(index: 0, id: "a", name: "look_up", ":1}"),
            ]),
        Case(
            "id and name repeated, no index",
            [piece(id: "a", name: "look_up", #"{"n""#), piece(id: "a", name: "look_up", ":1}")]),
        Case(
            "name repeated, no id",
            [
                piece(index: 0, name: "look_up", #"{"n""#), piece(index: 0, name: "look_up", ":1}"),
                piece(index: 0, name: "look_up", ""),
            ],
            [ToolCall(id: "call_0", name: "look_up", arguments: #"{"n":1}"#)]),
        Case(
            "empty ids and names behind the first",
            [
                piece(index: 0, id: "a", name: "look_up", #"{"n""#), piece(index: 0, id: "", name: "", ":1}"),
            ]),
        Case(
            "the id behind the name",
            [piece(index: 0, name: "look_up", #"{"n""#), piece(index: 0, id: "a", ":1}")]),
        Case(
            "two calls, one after the other",
            [
                piece(index: 0, id: "a", name: "look_up", #"{"n""#), piece(index: 0, ":1}"),
                piece(index: 1, id: "b", name: "refund", #"{"m""#), piece(index: 1, ":2}"),
            ], [one, two]),
        Case(
            "two calls, interleaved",
            [
                piece(index: 0, id: "a", name: "look_up"), piece(index: 1, id: "b", name: "refund"),
                piece(index: 0, #"{"n""#), piece(index: 1, #"{"m""#), piece(index: 1, ":2}"), piece(index: 0, ":1}"),
            ], [one, two]),
        Case(
            "two calls, interleaved by ids alone",
            [
                piece(id: "a", name: "look_up"), piece(id: "b", name: "refund"), piece(id: "a", #"{"n""#),
                piece(id: "b", #"{"m""#), piece(id: "b", ":2}"), piece(id: "a", ":1}"),
            ], [one, two]),
        Case(
            "two calls in one chunk",
            [
                piece(index: 0, id: "a", name: "look_up", #"{"n":1}"#) + ","
                    + piece(index: 1, id: "b", name: "refund", #"{"m":2}"#)
            ], [one, two]),
        Case(
            "two calls that both claim index 0",
            [
                piece(index: 0, id: "a", name: "look_up", #"{"n":1}"#),
                piece(index: 0, id: "b", name: "refund", #"{"m""#),
                piece(index: 0, ":2}"),
            ], [one, two]),
        Case(
            "two calls without an index, one after the other",
            [
                piece(id: "a", name: "look_up", #"{"n":1}"#), piece(id: "b", name: "refund", #"{"m""#), piece(":2}"),
            ], [one, two]),
        Case(
            "two calls with names alone",
            [piece(name: "look_up", #"{"n":1}"#), piece(name: "refund", #"{"m":2}"#)], nameless),
        Case(
            "two calls with names alone, both at index 0",
            [piece(index: 0, name: "look_up", #"{"n":1}"#), piece(index: 0, name: "refund", #"{"m":2}"#)], nameless),
        Case(
            "two calls of one tool without ids, both at index 0",
            [piece(index: 0, name: "look_up", #"{"n":1}"#), piece(index: 0, name: "look_up", #"{"n":2}"#)], twins),
        Case(
            "two calls of one tool without ids or indices",
            [piece(name: "look_up", #"{"n":1}"#), piece(name: "look_up", #"{"n":2}"#)], twins),
        Case(
            "two tools with one id",
            [piece(id: "a", name: "look_up", #"{"n":1}"#), piece(id: "a", name: "refund", #"{"m":2}"#)],
            [one, ToolCall(id: "a", name: "refund", arguments: #"{"m":2}"#)]),
        Case(
            "arguments as an object",
            [#"{"index":0,"id":"a","function":{"name":"look_up","arguments":{"n":1}}}"#]),
        Case(
            "no arguments", [#"{"index":0,"id":"a","function":{"name":"look_up","arguments":null}}"#],
            [ToolCall(id: "a", name: "look_up", arguments: "")]),
        Case(
            "broken arguments", [piece(index: 0, id: "a", name: "look_up", #"{"n":"#)],
            [ToolCall(id: "a", name: "look_up", arguments: #"{"n":"#)]),
    ]

    func reply(to pieces: [String]) throws -> ModelReply {
        var builder = ChatReplyBuilder()
        for piece in pieces {
            let text = try builder.add(Array(#"{"choices":[{"index":0,"delta":{"tool_calls":[\#(piece)]}}]}"#.utf8))
            #expect(text == "")
        }
        _ = try builder.add(Array(#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#.utf8))
        return try builder.finished()
    }

    @Test(arguments: cases) func `the calls are put together`(sample: Case) throws {
        #expect(try reply(to: sample.pieces).toolCalls == sample.calls)
    }

    @Test func `arguments may be cut anywhere`() throws {
        let arguments = #"{"name":"Grüße 👍","quote":"\"{}\"","n":[1,{"a":{}}]}"#
        for cut in arguments.indices {
            let pieces = [
                Self.piece(index: 0, id: "a", name: "look_up", String(arguments[..<cut])),
                Self.piece(index: 0, String(arguments[cut...])),
            ]
            #expect(try reply(to: pieces).toolCalls.map(\.arguments) == [arguments])
        }
    }

    @Test(arguments: ["null", "7", #""text""#, "[]", "{}", #"{"function":7}"#, #"{"index":-1}"#, #"{"index":1e99}"#])
    func `a piece that is none is survived`(piece: String) throws {
        _ = try? reply(to: [piece])
        _ = try? reply(to: [Self.piece(index: 0, id: "a", name: "look_up", "{"), piece, Self.piece(index: 0, "}")])
    }
}
