// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import ModelClients
import Perdure
import PerdureTesting
import Synchronization
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

    @Test func `a wake that was here before and comes too early again asks for another`() async throws {
        let server = try ScriptedModelServer(Self.calling("nap"))
        let due = calendar.now + 1000
        let runtime = try runtime(server, tools: [Nap(calendar: calendar, due: due)])
        #expect(try await runtime.respond(to: Self.message("Nap", id: "1")).outcome == .suspended(until: due))
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"]?.event)
        calendar.now = due
        #expect(try await deliver(wake, to: runtime) == .suspended(until: due))
        #expect(try await deliver(wake, to: runtime) == .suspended(until: due))
        let again = try #require(calendar.scheduled["a/wake/1/\(due)/again"])
        calendar.now = again.due
        #expect(try await deliver(again.event, to: runtime) == .completed(reply: "Done."))
    }

    @Test func `a wake before a time that no clock gets to ends no process`() async throws {
        let runtime = try runtime(try ScriptedModelServer([]), tools: [])
        var lease = try store.lease(SessionID("a"), of: AgentName("support"), attempt: "imported", until: .now)
        let call = ToolCall(id: "c", name: "nap", arguments: "{}")
        try lease.append([
            Entry(turn: 1, fact: .input(request: "1", text: "Nap")),
            Entry(turn: 1, fact: .reply(ModelReply(text: "", toolCalls: [call], finishReason: "tool_calls"))),
            Entry(turn: 1, fact: .pause(.waiting(until: .max))),
        ])
        try lease.release()
        let wake: JSONValue = ["session": "a", "id": "w", "wake": true]
        #expect(try await deliver(wake, to: runtime) == .suspended(until: .max))
        #expect(calendar.scheduled.values.map(\.due) == [.max])
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

    @Test func `a result that comes when nobody can be asked to wake the turn is kept`() async throws {
        let calls = ["order", "pay"].map {
            ScriptedModelServer.ScriptedCall(id: $0, name: $0, arguments: #"{"n":1}"#)
        }
        let server = try ScriptedModelServer([.toolCalls(calls), .text("Done.")])
        let (parcel, pay) = (OrderParcel(), SlowPay())
        let wakes = FlakyWakes(calendar)
        let runtime = try wakes.runtime(server, on: store, tools: [parcel, pay])
        let message = Self.message("Go", id: "1")
        wakes.fail = true
        for _ in 0..<7 {
            let error = await #expect(throws: AgentError.self) { try await runtime.respond(to: message) }
            #expect(error?.code == .wakeFailed)
        }
        #expect(pay.runs == 1 && parcel.done == ["order"] && server.requests.count == 1)
        wakes.fail = false
        let due = calendar.now + 2 * 86_400_000
        #expect(try await runtime.respond(to: message).outcome == .suspended(until: due))
        calendar.now = due
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"]?.event)
        #expect(try await deliver(wake, to: runtime) == .suspended(until: nil))
        let signal = AgentRequest(session: "a", id: "s", content: .signal(name: "delivered", value: "here"))
        #expect(try await runtime.respond(to: signal).outcome == .completed(reply: "Done."))
        #expect(pay.runs == 1 && parcel.done == ["order", "deliver"])
        #expect(try server.messages(1).last == "tool: paid")
    }

    @Test func `a service that does not answer is given up at the deadline, and asked again by the next invocation`()
        async throws
    {
        let server = try ScriptedModelServer(Self.calling("order"))
        let wakes = FlakyWakes(calendar)
        let parcel = OrderParcel()
        let runtime = try wakes.runtime(server, on: store, tools: [parcel])
        let message = Self.message("Go", id: "1")
        wakes.hangs = true
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        #expect(try await runtime.respond(to: message, deadline: deadline).outcome == .continuing)
        #expect(ContinuousClock.now < deadline + Bench.lateness)
        wakes.hangs = false
        let due = calendar.now + 2 * 86_400_000
        #expect(try await deliver(calendar.invoked[0], to: runtime) == .suspended(until: due))
        #expect(parcel.done == ["order"] && server.requests.count == 1)
    }

    @Test func `a decision that comes when nobody can be asked to wake the turn is kept`() async throws {
        let calls = [ScriptedModelServer.ScriptedCall](
            repeating: .init(name: "guarded", arguments: #"{"n":1}"#), count: 2)
        let server = try ScriptedModelServer([.toolCalls(calls), .text("Done.")])
        let wakes = FlakyWakes(calendar)
        let runtime = try wakes.runtime(server, on: store, tools: [Guarded()])
        let first = try await runtime.respond(to: Self.message("Go", id: "1")).outcome
        guard case .awaiting(let approvals) = first, approvals.count == 2 else {
            return #expect(Bool(false), "\(first)")
        }
        let no = AgentRequest(
            session: "a", id: "2", content: .decisions([Verdict(position: approvals[0].position, isApproved: false)]))
        wakes.fail = true
        for _ in 0..<2 {
            let error = await #expect(throws: AgentError.self) { try await runtime.respond(to: no) }
            #expect(error?.code == .wakeFailed)
        }
        wakes.fail = false
        for _ in 0..<2 { #expect(try await runtime.respond(to: no).outcome == .awaiting([approvals[1]])) }
        let yes = AgentRequest(
            session: "a", id: "3", content: .decisions([Verdict(position: approvals[1].position, isApproved: true)]))
        #expect(try await runtime.respond(to: yes).outcome == .completed(reply: "Done."))
        #expect(try await runtime.respond(to: Self.message("Go", id: "1")).outcome == first)
    }

    @Test func `what is queued behind a turn that nobody can be asked to wake comes after it`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, _ in
            if number > 0 { return .text("More.") }
            gate.block()
            return .toolCalls([.init(name: "guarded", arguments: #"{"n":1}"#)])
        }
        let wakes = FlakyWakes(calendar)
        let runtime = try wakes.runtime(server, on: store, tools: [Guarded()], whenBusy: .queue(.atEnd))
        wakes.fail = true
        let (go, more) = (Self.message("Go", id: "1"), Self.message("More", id: "2"))
        let first = Task { try await runtime.respond(to: go) }
        try await eventually { gate.isReached }
        #expect(try await runtime.respond(to: more).outcome == .queued)
        gate.open()
        let error = await #expect(throws: AgentError.self) { try await first.value }
        #expect(error?.code == .wakeFailed)
        wakes.fail = false
        guard case .awaiting = try await runtime.respond(to: go).outcome else { throw Unreachable() }
        #expect(try await runtime.respond(to: more).outcome == .completed(reply: "More."))
        #expect(server.requests.count == 2)
    }
}

/// A service that can be out of order.
private final class FlakyWakes: Sendable {
    private struct Failure: Error {}
    private let isFailing = Mutex(false)
    private let isHanging = Mutex(false)
    private let calendar: Calendar
    var fail: Bool {
        get { isFailing.withLock(\.self) }
        set { isFailing.withLock { $0 = newValue } }
    }

    var hangs: Bool {
        get { isHanging.withLock(\.self) }
        set { isHanging.withLock { $0 = newValue } }
    }

    init(_ calendar: Calendar) { self.calendar = calendar }

    func runtime(
        _ server: ScriptedModelServer, on store: SessionStore, tools: [any Tool], whenBusy: BusyPolicy = .wait
    ) throws -> AgentRuntime {
        var agent = Agent(
            name: "support", instructions: "", model: OpenAICompatibleModel(baseURL: server.url, model: "m")
        ) { for tool in tools { tool } }
        agent.whenBusy = whenBusy
        let wakes = Wakes(
            invoke: { event in self.calendar.noteInvocation(event) },
            schedule: { name, due, event in
                guard !self.fail else { throw Failure() }
                if self.hangs { try await Task.sleep(for: .seconds(3600)) }
                self.calendar.note(event, as: name, due: due)
            })
        return try AgentRuntime(agent, store: store, wakes: wakes)
    }
}

/// Pays, and lets its siblings go first.
private final class SlowPay: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "pay"
    let description = "Pays."
    private let count = Mutex(0)
    var runs: Int { count.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        count.withLock { $0 += 1 }
        try await Task.sleep(for: .milliseconds(200))
        return "paid"
    }
}

/// Waits until a time, and goes on for the first time on a machine whose clock is behind.
private final class Nap: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "nap"
    let description = "Sleeps."
    let effect = ToolEffect.pure
    private let calendar: Calendar
    private let due: Int64
    private let runs = Mutex(0)

    init(calendar: Calendar, due: Int64) { (self.calendar, self.due) = (calendar, due) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let run = runs.withLock { runs in
            runs += 1
            return runs
        }
        if run == 2 { calendar.now = due - 1 }
        try await context.wait("nap", until: due)
        return "slept"
    }
}
