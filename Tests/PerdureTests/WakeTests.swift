// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import ModelClients
import Perdure
import PerdureTesting
import Testing

/// Wakes that come early, or find the session with somebody else.
extension WaitTests {
    @Test func `a wake that comes too early asks for another`() async throws {
        let server = try ScriptedModelServer(Self.calling("order") + Self.calling("guarded"))
        let runtime = try runtime(server, tools: [OrderParcel(), Guarded()])
        let due = calendar.now + 2 * 86_400_000
        #expect(try await runtime.respond(to: Self.message("Order it", id: "1")).outcome == .suspended(until: due))
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"])
        calendar.now = due - 1
        for _ in 0..<2 { #expect(try await deliver(wake.event, to: runtime) == .suspended(until: due)) }
        let again = try #require(calendar.scheduled["a/wake/1/\(due)/again"])
        #expect(again.due == due + 60_000 && again.event == wake.event)
        #expect(calendar.scheduled.count == 2)
        calendar.now = again.due
        #expect(try await deliver(again.event, to: runtime) == .suspended(until: nil))
        // Nobody waits for a time any more.
        #expect(try await deliver(wake.event, to: runtime) == .suspended(until: nil))
        #expect(calendar.scheduled.count == 2)
    }

    @Test func `a wake that comes before an approval expires asks for another`() async throws {
        let server = try ScriptedModelServer(Self.calling("guarded"))
        let runtime = try runtime(server, tools: [Guarded()])
        _ = try await runtime.respond(to: Self.message("Go", id: "1"))
        let due = calendar.now + 60_000
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"])
        _ = try await deliver(wake.event, to: runtime)
        #expect(calendar.scheduled["a/wake/1/\(due)/again"]?.due == due + 60_000)
    }

    @Test func `a message that finds the session taken until its time is up comes when that turn ends`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try ScriptedModelServer(
            Self.calling("remind") + [
                .pieces(["Held."]) { _ in _ = gate.wait(timeout: .now() + 60) }, .text("Watered."),
            ])
        let due = calendar.now + 3_600_000
        let runtime = try runtime(server, tools: [Remind(at: due)])
        _ = try await runtime.respond(to: Self.message("Plants", id: "1"))
        let reminder = try #require(calendar.scheduled.values.first?.event)
        async let holder = runtime.respond(to: Self.message("Hold it", id: "2"))
        try await eventually { server.requests.count == 3 }
        calendar.now = due
        let request = try AgentRequest(event: reminder, defaultID: "")
        let error = await #expect(throws: AgentError.self) {
            try await runtime.respond(to: request, deadline: .now.advanced(by: .milliseconds(1200)))
        }
        #expect(error?.code == .sessionBusy)
        gate.signal()
        #expect(try await holder.outcome == .completed(reply: "Held."))
        #expect(calendar.invoked == [reminder])
        for _ in 0..<2 { #expect(try await deliver(reminder, to: runtime) == .completed(reply: "Watered.")) }
        #expect(calendar.invoked == [reminder])
    }

    @Test func `a message that meets a turn that was put off goes on with it, and comes after it`() async throws {
        let server = try ScriptedModelServer(Self.calling("remind") + [.hang, .text("Hi."), .text("Watered.")])
        let due = calendar.now + 3_600_000
        let runtime = try runtime(server, tools: [Remind(at: due)])
        _ = try await runtime.respond(to: Self.message("Plants", id: "1"))
        let reminder = try #require(calendar.scheduled.values.first?.event)
        let hello = Self.message("Hello", id: "2")
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        #expect(try await runtime.respond(to: hello, deadline: deadline).outcome == .continuing)
        calendar.now = due
        #expect(try await deliver(reminder, to: runtime) == .completed(reply: "Hi."))
        #expect(calendar.invoked.last == reminder)
        #expect(try await deliver(reminder, to: runtime) == .completed(reply: "Watered."))
        #expect(try await deliver(calendar.invoked[0], to: runtime) == .completed(reply: "Hi."))
        #expect(try await runtime.respond(to: hello).outcome == .completed(reply: "Hi."))
        #expect(server.requests.count == 5)
    }

    @Test func `a message that came due in a turn that is parked comes after it`() async throws {
        let server = try ScriptedModelServer(Self.calling("remind"))
        let runtime = try runtime(server, tools: [Remind(at: calendar.now)]) { $0.turnBudget = Budget(modelCalls: 1) }
        let outcome = try await runtime.respond(to: Self.message("Plants", id: "1")).outcome
        #expect(outcome == .parked(reason: "the turn has made its 1 model calls"))
        #expect(calendar.invoked == calendar.scheduled.values.map(\.event))
    }

    @Test func `a step that never fits into an invocation is not tried for ever`() async throws {
        let server = try ScriptedModelServer([.hang, .hang, .hang, .text("Hi.")])
        let runtime = try runtime(server, tools: []) { $0.maximumInterruptions = 2 }
        func respond(_ request: AgentRequest) async throws -> Outcome {
            try await runtime.respond(to: request, deadline: .now.advanced(by: .milliseconds(1400))).outcome
        }
        let message = Self.message("Hello", id: "1")
        #expect(try await respond(message) == .continuing)
        #expect(try await respond(AgentRequest(event: calendar.invoked[0], defaultID: "")) == .continuing)
        let last = try AgentRequest(event: calendar.invoked[1], defaultID: "")
        let error = await #expect(throws: AgentError.self) { try await respond(last) }
        #expect(error?.code == .deadlineExceeded)
        #expect(calendar.invoked.count == 2)
        #expect(try await respond(message) == .completed(reply: "Hi."))
    }
}
