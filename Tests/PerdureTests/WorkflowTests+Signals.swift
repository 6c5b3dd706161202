// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import Testing

/// Says nothing: it is read from whatever a signal has.
private struct Word: Codable {
    init(from decoder: any Decoder) {}
}

/// Signals that come early, twice, without a value or not at all, and waits that are too long for a calendar.
extension WorkflowTests {
    private static let start: JSONValue = ["session": "a", "id": "1", "input": "go"]

    private static func signal(_ name: String, _ value: JSONValue? = nil, id: String) -> JSONValue {
        var signal: JSONObject = ["name": .init(name)]
        if let value { signal["value"] = value }
        return ["session": "a", "id": .init(id), "signal": .object(signal)]
    }

    /// Waits for a minute for a word, and then for another hour.
    private static let patient = Workflow(name: "patient") { (_: String, session) in
        let word = try await session.waitForSignal("word", as: Word.self, for: .seconds(60))
        try await session.wait("an hour", for: .seconds(3600))
        return word == nil ? "it never came" : "it came"
    }

    @Test func `a signal without a value has come, in each run`() async throws {
        _ = try await send(Self.start, to: Self.patient)
        guard case .suspended = try await send(Self.signal("word", id: "2"), to: Self.patient) else {
            throw Unreachable()
        }
        diary.pass(.seconds(4000))
        #expect(try await send(Self.start, to: Self.patient) == .completed(reply: "it came"))
    }

    @Test func `a signal that did not come in time has not come, in each run`() async throws {
        _ = try await send(Self.start, to: Self.patient)
        diary.pass(.seconds(60))
        #expect(try await send(Self.start, to: Self.patient) == .suspended(until: diary.now + 3_600_000))
        // Too late: the wait for it is over.
        _ = try await send(Self.signal("word", id: "2"), to: Self.patient)
        diary.pass(.seconds(4000))
        #expect(try await send(Self.start, to: Self.patient) == .completed(reply: "it never came"))
    }

    @Test func `a wait for a signal that was given up fails the run when it has no limit any more`() async throws {
        _ = try await send(Self.start, to: Self.patient)
        diary.pass(.seconds(60))
        _ = try await send(Self.start, to: Self.patient)
        let endless = Workflow(name: "patient") { (_: String, session) in
            _ = try await session.waitForSignal("word", as: Word.self)
            return "it came"
        }
        diary.pass(.seconds(4000))
        guard case .failed(let reason) = try await send(Self.start, to: endless) else { throw Unreachable() }
        #expect(reason == "The time for the signal word was up, when there was a limit to it.")
    }

    @Test func `signals that come before their waits are taken by them, each once`() async throws {
        let workflow = Workflow(name: "early") { (_: String, session) in
            try await session.wait("an hour", for: .seconds(3600))
            let first = try await session.waitForSignal("title", as: String.self)
            return first + (try await session.waitForSignal("place", as: String.self))
        }
        let due = diary.now + 3_600_000
        _ = try await send(Self.start, to: workflow)
        for (id, name, value) in [("2", "title", "On "), ("3", "title", "Off "), ("2", "title", "On ")] {
            #expect(try await send(Self.signal(name, .init(value), id: id), to: workflow) == .suspended(until: due))
        }
        diary.pass(.seconds(3600))
        #expect(try await send(Self.start, to: workflow) == .suspended(until: nil))
        let last = try await send(Self.signal("place", "tides", id: "4"), to: workflow)
        #expect(last == .completed(reply: "On tides"))
        // What nobody took is gone with the run, and nothing waits for more.
        let error = await #expect(throws: AgentError.self) {
            try await send(Self.signal("title", "More", id: "5"), to: workflow)
        }
        #expect(error?.code == .nothingToResume)
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(Int64.max / 1000), .seconds(Int64.max / 1000 - 1)])
    func `a wait that is longer than a calendar ends with it`(duration: Duration) async throws {
        let diary = diary
        let wakes = Wakes(invoke: { _ in }, schedule: { _, due, _ in diary.note("\(due)") })
        let workflow = Workflow(name: "endless") { (_: String, session) in
            try await session.wait("for ever", for: duration)
            return ""
        }
        let runtime = try AgentRuntime(workflow.agent, store: store, wakes: wakes)
        let end: Int64 = 253_402_300_799_999
        let wake: JSONValue = ["session": "a", "id": "wake/1/\(end)", "wake": true]
        for event in [Self.start, wake] {
            let response = try await runtime.respond(to: AgentRequest(event: event, defaultID: ""))
            #expect(response.outcome == .suspended(until: end))
        }
        #expect(diary.done == ["\(end)", "\(end + 60_000)"])
    }
}
