// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// What stands in the files: these bytes may gain fields, and none of them may change.
@Suite struct EntryFormatTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let fact: Entry.Fact
        let kind: String
        let call: String?
        let body: String
        /// Fields that may be missing.
        var optional: Set<String> = []
        /// Fields that may hold anything.
        var free: Set<String> = []

        var testDescription: String { "\(kind): \(body)" }
    }

    static let position = CallPosition(reply: 3, index: 1)

    static let cases: [Case] = [
        Case(
            fact: .input(request: "r/1", text: "Grüße, \"Welt\"\n\u{0}"), kind: "input", call: nil,
            body: #"{"request":"r/1","text":"Grüße, \"Welt\"\n\u0000"}"#),
        Case(
            fact: .reply(ModelReply(text: "hi")), kind: "reply", call: nil,
            body: #"{"text":"hi","finish":"stop"}"#),
        Case(
            fact: .reply(
                ModelReply(
                    text: "",
                    toolCalls: [
                        ToolCall(id: "c1", name: "pay", arguments: #"{ "n": 1.0 }"#),
                        ToolCall(id: "", name: "", arguments: ""),
                    ],
                    finishReason: "tool_calls", usage: TokenUsage(input: 30, output: 4, cachedInput: 20, cost: 7))),
            kind: "reply", call: nil,
            body: #"{"text":"","calls":[{"id":"c1","name":"pay","arguments":"{ \"n\": 1.0 }"},"#
                + #"{"id":"","name":"","arguments":""}],"finish":"tool_calls","#
                + #""usage":{"input":30,"output":4,"cached":20,"cost":7}}"#,
            optional: ["calls", "usage"]),
        Case(
            fact: .reply(ModelReply(text: "hi", isFromCache: true)), kind: "reply", call: nil,
            body: #"{"text":"hi","finish":"stop","repeated":true}"#, optional: ["repeated"]),
        Case(
            fact: .claim(position, tool: "pay", effect: .once, attempt: 1), kind: "claim", call: "3.1",
            body: #"{"tool":"pay","effect":"once","attempt":1}"#),
        Case(
            fact: .claim(position, tool: "set", effect: .idempotent, attempt: 2), kind: "claim", call: "3.1",
            body: #"{"tool":"set","effect":"idempotent","attempt":2}"#),
        Case(fact: .refusal(reason: "too long"), kind: "refusal", call: nil, body: #"{"reason":"too long"}"#),
        Case(fact: .checkpoint(label: "before"), kind: "checkpoint", call: nil, body: #"{"label":"before"}"#),
        Case(
            fact: .step(position, name: "fetch", value: ["n": 1]), kind: "step", call: "3.1",
            body: #"{"name":"fetch","value":{"n":1}}"#, free: ["value"]),
        Case(fact: .attempt(.interrupted), kind: "attempt", call: nil, body: #"{"cause":"interrupted"}"#),
        Case(fact: .attempt(.continued), kind: "attempt", call: nil, body: #"{"cause":"continued"}"#),
        Case(
            fact: .attempt(.released(request: "r3")), kind: "attempt", call: nil,
            body: #"{"cause":"released","request":"r3"}"#),
        Case(fact: .pause(.stopped), kind: "pause", call: nil, body: #"{"why":"stop"}"#),
        Case(fact: .pause(.waiting(until: nil)), kind: "pause", call: nil, body: #"{"why":"wait"}"#),
        Case(
            fact: .pause(.waiting(until: 1_800_000_000_000)), kind: "pause", call: nil,
            body: #"{"why":"wait","until":1800000000000}"#, optional: ["until"]),
        Case(fact: .park(reason: "spent"), kind: "park", call: nil, body: #"{"reason":"spent"}"#),
        Case(fact: .cancel(request: "r4", reason: nil), kind: "cancel", call: nil, body: #"{"request":"r4"}"#),
        Case(
            fact: .cancel(request: "r4", reason: "wrong"), kind: "cancel", call: nil,
            body: #"{"request":"r4","reason":"wrong"}"#, optional: ["reason"]),
        Case(
            fact: .signal(request: "r5", name: "paid", value: ["n": 1]), kind: "signal", call: nil,
            body: #"{"request":"r5","name":"paid","value":{"n":1}}"#, free: ["value"]),
        Case(
            fact: .schedule(ScheduledMessage(id: "s", due: 1_800_000_000_000, text: "hi")), kind: "schedule", call: nil,
            body: #"{"id":"s","due":1800000000000,"text":"hi"}"#),
        Case(
            fact: .compaction(Compaction(dropped: 12, clearedResults: 20)), kind: "compaction", call: nil,
            body: #"{"dropped":12,"results":20}"#),
        Case(
            fact: .compaction(
                Compaction(
                    dropped: 12, kept: [9, 11], clearedResults: 20, summary: "so far", modelAnswered: true,
                    usage: TokenUsage(input: 30, output: 4, cachedInput: 20, cost: 7))),
            kind: "compaction", call: nil,
            body: #"{"dropped":12,"kept":[9,11],"results":20,"summary":"so far","answered":true,"#
                + #""usage":{"input":30,"output":4,"cached":20,"cost":7}}"#,
            optional: ["kept", "summary", "answered", "usage"]),
        Case(fact: .rewind(toTurn: 3), kind: "rewind", call: nil, body: #"{"turn":3}"#),
        Case(
            fact: .approvalRequest(position, reason: "costly"), kind: "approval", call: "3.1",
            body: #"{"reason":"costly"}"#),
        Case(
            fact: .approvalRequest(position, reason: "costly", expires: 1_800_000_000_000), kind: "approval",
            call: "3.1", body: #"{"reason":"costly","expires":1800000000000}"#, optional: ["expires"]),
        Case(
            fact: .decision(request: "r2", Verdict(position: position, isApproved: true, arguments: "{}")),
            kind: "decision", call: "3.1", body: #"{"request":"r2","approved":true,"reason":null,"arguments":"{}"}"#,
            optional: ["reason", "arguments"]),
        Case(
            fact: .decision(request: "r2", Verdict(position: position, isApproved: true)), kind: "decision",
            call: "3.1", body: #"{"request":"r2","approved":true,"reason":null}"#, optional: ["reason"]),
        Case(
            fact: .decision(request: "r2", Verdict(position: position, isApproved: false, reason: "no")),
            kind: "decision", call: "3.1", body: #"{"request":"r2","approved":false,"reason":"no"}"#,
            optional: ["reason"]),
    ]
    static let results: [Case] = ["succeeded", "failed", "unknown", "rejected", "skipped"].compactMap { word in
        ToolResult.Status(rawValue: word).map { status in
            Case(
                fact: .result(position, ToolResult(status: status, content: "c")), kind: "result", call: "3.1",
                body: #"{"status":"\#(word)","content":"c"}"#)
        }
    }

    @Test(arguments: cases + results)
    func `each kind is written as these bytes and read back`(_ item: Case) throws {
        let entry = Entry(turn: 7, fact: item.fact)
        #expect(entry.kind.rawValue == item.kind)
        #expect(entry.position?.description == item.call)
        #expect(entry.body.description == item.body)
        #expect(try read(item, JSONValue(parsing: item.body.utf8)) == entry)
    }

    @Test func `every kind has a case here`() {
        #expect(Self.results.count == 5)
        #expect(Set((Self.cases + Self.results).map(\.kind)) == Set(Entry.Kind.allCases.map(\.rawValue)))
    }

    @Test(arguments: cases + results)
    func `a field that a later version adds is passed over`(_ item: Case) throws {
        var object = try #require(try JSONValue(parsing: item.body.utf8).object)
        object["later"] = ["anything": 1]
        #expect(try read(item, .object(object)).fact == item.fact)
    }

    @Test(arguments: cases + results)
    func `a missing field or one of another type is a broken log`(_ item: Case) throws {
        let whole = try #require(try JSONValue(parsing: item.body.utf8).object)
        for name in whole.map(\.key) {
            let others = JSONObject(whole.filter { $0.key != name })
            if !item.optional.contains(name) { expectBroken(item, .object(others), "without \(name)") }
            for wrong in [7.5, ["x"], ["x": 1]] as [JSONValue] where !item.free.contains(name) {
                var object = others
                object[name] = wrong
                expectBroken(item, .object(object), "\(name) is \(wrong)")
            }
        }
        for wrong in [.null, "text", 1, []] as [JSONValue] { expectBroken(item, wrong, "the body is \(wrong)") }
    }

    @Test(arguments: (cases + results).filter { $0.call != nil })
    func `a fact about a call without a call is a broken log`(_ item: Case) throws {
        let kind = try #require(Entry.Kind(rawValue: item.kind))
        let body = try JSONValue(parsing: item.body.utf8)
        let error = #expect(throws: LoopError.self) { try Entry(turn: 1, kind: kind, position: nil, body: body) }
        #expect(error?.code == .brokenLog)
    }

    @Test(arguments: [
        ("reply", #"{"text":"","finish":"stop","calls":[{"id":"a","name":"b"}]}"#),
        ("reply", #"{"text":"","finish":"stop","calls":[7]}"#),
        ("reply", #"{"text":"","finish":"stop","usage":{"input":1,"output":1}}"#),
        ("claim", #"{"tool":"pay","effect":"twice","attempt":1}"#),
        ("claim", #"{"tool":"pay","effect":"once","attempt":99999999999999999999}"#),
        ("result", #"{"status":"maybe","content":"c"}"#),
    ])
    func `a strange word or an incomplete part is a broken log`(_ kind: String, _ body: String) throws {
        let kind = try #require(Entry.Kind(rawValue: kind))
        let body = try JSONValue(parsing: body.utf8)
        let error = #expect(throws: LoopError.self) {
            try Entry(turn: 1, kind: kind, position: Self.position, body: body)
        }
        #expect(error?.code == .brokenLog)
    }

    private func read(_ item: Case, _ body: JSONValue) throws -> Entry {
        let kind = try #require(Entry.Kind(rawValue: item.kind))
        return try Entry(turn: 7, kind: kind, position: item.call.flatMap(CallPosition.init), body: body)
    }

    private func expectBroken(_ item: Case, _ body: JSONValue, _ comment: Comment) {
        let error = #expect(throws: LoopError.self, comment) { try read(item, body) }
        #expect(error?.code == .brokenLog, comment)
    }
}
