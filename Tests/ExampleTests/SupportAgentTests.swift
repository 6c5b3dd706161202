// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import PerdureTesting
import Testing

/// The days of the README, with a model that says what it is told to.
@Suite(.serialized) struct SupportAgentTests {
    /// What the model answers, by the last message.
    private static func answer(_: Int, _ request: JSONValue) -> ScriptedModelServer.Step {
        let last = request["messages"]?.array?.last
        let text = last?["content"]?.string ?? ""
        switch (last?["role"]?.string, text) {
        case ("user", let said) where said.hasPrefix("(Reminder)"):
            return .text("Hello again! Did everything work out with the rain jacket?")
        case ("user", let said) where said.contains("1002"):
            return .toolCalls([.init(name: "refund_order", arguments: #"{"number":1002,"cents":7900}"#)])
        case ("user", let said) where said.contains("jacket"):
            return .toolCalls([.init(name: "await_return", arguments: #"{"number":1003}"#)])
        case ("tool", let result) where result.contains("Refunded"):
            return .text("I have refunded 50.00 euro for order 1002.")
        case ("tool", let result) where result.contains("not approved"):
            return .text("I am sorry, nobody could agree to this in time.")
        case ("tool", let result) where result.contains("parcel is back"):
            return .toolCalls([.init(name: "follow_up", arguments: #"{"days":1,"about":"the rain jacket"}"#)])
        default:
            return .text("The rain jacket is back with us, as good as new. I will ask you tomorrow how it went.")
        }
    }

    private func run(day: Int, _ body: (Example) async throws -> Void) async throws {
        let model = try ScriptedModelServer(Self.answer)
        let variables = [
            "ORDERS_FILE": Example.folder.appendingPathComponent("SupportAgent/orders.json").path,
            "PERDURE_MODEL_URL": model.url, "DAY_SECONDS": String(day),
        ]
        try await Example.run("SupportAgent", environment: variables, body)
    }

    @Test(.timeLimit(.minutes(2))) func `a conversation lasts for days, each in a sandbox of its own`() async throws {
        try await run(day: 5) { example in
            // Day 1: above the limit.
            let asked = try await example.talk(["id": "1", "message": "Please refund order 1002."])
            #expect(asked["status"]?.string == "awaiting")
            let approval = try #require(asked["approvals"]?[0])
            #expect(approval["call"]?.string == "1.0")
            #expect(approval["expires"]?.int ?? 0 > wallClock())
            // Day 2: somebody agrees to a part of it.
            let decision: JSONValue = [
                "call": "1.0", "approve": true, "arguments": ["number": 1002, "cents": 5000],
            ]
            let decided = try await example.talk(["id": "2", "decisions": [decision]])
            #expect(decided["reply"]?.string == "I have refunded 50.00 euro for order 1002.")
            let refunds = example.root.appendingPathComponent("refunds.txt")
            #expect(try String(contentsOf: refunds, encoding: .utf8).hasPrefix("1002 5000 "))
            // Day 3: the agent waits for the warehouse.
            let waits = try await example.talk(["id": "3", "message": "I am sending the jacket back."])
            #expect(waits["status"]?.string == "suspended")
            // Day 8: the parcel.
            let signal: JSONValue = ["name": "returned 1003", "value": ["condition": "as good as new"]]
            let returned = try await example.talk(["id": "4", "signal": signal])
            #expect(returned["reply"]?.string?.hasPrefix("The rain jacket is back with us") == true)
            // Day 9: the reminder that it has asked for comes by itself.
            try await eventually { example.lines.count(of: "turn completed") == 3 }
            let body = try example.query(example.session(), "SELECT body FROM log WHERE kind = 'schedule'")
            let id = try #require(JSONValue(parsing: body.utf8)["id"]?.string)
            // Once more, as services that deliver at least once may do: it is one reminder, with one answer.
            let reminder: JSONObject = ["id": .init("schedule/\(id)"), "schedule": .init(id)]
            let again = try await example.talk(reminder)
            #expect(again["reply"]?.string == "Hello again! Did everything work out with the rain jacket?")
            #expect(try example.query(example.session(), "SELECT count(*) FROM log WHERE kind = 'input'") == "3")
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a refund that nobody agreed to in time is not made`() async throws {
        try await run(day: 1) { example in
            let asked = try await example.talk(["id": "1", "message": "Please refund order 1002."])
            let expires = try #require(asked["approvals"]?[0]?["expires"]?.int)
            try await eventually { wallClock() >= expires }
            let decision: JSONValue = ["call": "1.0", "approve": true]
            let late = try await example.talk(["id": "2", "decisions": [decision]])
            #expect(late["reply"]?.string == "I am sorry, nobody could agree to this in time.")
            #expect(!FileManager.default.fileExists(atPath: example.root.appendingPathComponent("refunds.txt").path))
        }
    }
}

extension Example {
    /// Sends an event about session `ada` to a sandbox that knows nothing of those before it.
    fileprivate func talk(_ event: JSONObject) async throws -> JSONValue {
        await killSandboxes()
        var event = event
        event["session"] = "ada"
        let first = try await invoke(.object(event))
        // The sandbox's death may show only when the event is sent there.
        return first.isError ? try await invoke(.object(event)).answer : first.answer
    }
}
