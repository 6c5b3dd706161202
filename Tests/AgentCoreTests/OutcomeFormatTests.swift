// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

@Suite struct OutcomeFormatTests {
    static let approvals = [
        Approval(
            position: CallPosition(reply: 3, index: 0), call: ToolCall(id: "c", name: "ask", arguments: "{\"n\":1}"),
            reason: "costly"),
        Approval(
            position: CallPosition(reply: 3, index: 2), call: ToolCall(id: "c", name: "ask", arguments: ""), reason: ""),
    ]

    @Test(arguments: [
        (Outcome.completed(reply: "hi\n"), #"{"status":"completed","reply":"hi\n"}"#),
        (Outcome.awaiting([]), #"{"status":"awaiting","approvals":[]}"#),
        (
            Outcome.awaiting(approvals),
            #"{"status":"awaiting","approvals":[{"call":"3.0","id":"c","tool":"ask","arguments":"{\"n\":1}","#
                + #""reason":"costly"},{"call":"3.2","id":"c","tool":"ask","arguments":"","reason":""}]}"#
        ),
        (Outcome.suspended(until: 1_800_000_000_000), #"{"status":"suspended","until":1800000000000}"#),
        (Outcome.suspended(until: nil), #"{"status":"suspended","until":null}"#),
        (Outcome.continuing, #"{"status":"continuing"}"#),
        (Outcome.parked(reason: "spent"), #"{"status":"parked","reason":"spent"}"#),
        (Outcome.cancelled, #"{"status":"cancelled"}"#),
    ])
    func `an outcome is written as these bytes and read back`(_ outcome: Outcome, _ text: String) throws {
        #expect(JSONValue.object(outcome.json).description == text)
        #expect(Outcome(json: try JSONValue(parsing: text.utf8)) == outcome)
        var object = outcome.json
        object["later"] = true
        #expect(Outcome(json: .object(object)) == outcome)
    }

    @Test(arguments: [
        "null", "{}", #"{"status":"completed"}"#, #"{"status":"completed","reply":1}"#, #"{"status":"done"}"#,
        #"{"status":"awaiting"}"#, #"{"status":"awaiting","approvals":[1]}"#, #"{"status":"parked"}"#,
        #"{"status":"awaiting","approvals":[{"call":"3","id":"c","tool":"t","arguments":"","reason":""}]}"#,
        #"{"status":"awaiting","approvals":[{"call":"3.0","id":"c","tool":"t","reason":""}]}"#,
    ])
    func `anything else is no outcome`(_ text: String) throws {
        #expect(Outcome(json: try JSONValue(parsing: text.utf8)) == nil)
    }
}
