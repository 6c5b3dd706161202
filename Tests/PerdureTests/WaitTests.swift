// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ModelClients
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// A clock that goes when it is told to, and the events that were asked for: what a service for wakes is to deliver.
final class Calendar: Sendable {
    private let state = Mutex<(now: Int64, invoked: [JSONValue], scheduled: [String: (due: Int64, event: JSONValue)])>(
        (1_800_000_000_000, [], [:]))

    var now: Int64 {
        get { state.withLock(\.now) }
        set { state.withLock { $0.now = newValue } }
    }

    /// The events that were to be delivered at once.
    var invoked: [JSONValue] { state.withLock(\.invoked) }
    /// The events that are to be delivered at a time, by their names.
    var scheduled: [String: (due: Int64, event: JSONValue)] { state.withLock(\.scheduled) }

    var wakes: Wakes {
        Wakes(
            invoke: { event in self.noteInvocation(event) },
            schedule: { name, due, event in self.note(event, as: name, due: due) }
        )
    }

    func noteInvocation(_ event: JSONValue) { state.withLock { $0.invoked.append(event) } }

    func note(_ event: JSONValue, as name: String, due: Int64) {
        state.withLock { $0.scheduled[name] = (due, event) }
    }
}

/// Orders a parcel: notes the order, waits two days, then waits for the word of the carrier.
final class OrderParcel: Tool {
    struct Arguments: Codable { let n: Int }

    let name = "order"
    let description = "Orders a parcel."
    let effect = ToolEffect.idempotent
    private let runs = Mutex<[String]>([])
    var done: [String] { runs.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let number = try await context.step("order") {
            runs.withLock { $0.append("order") }
            return 70 + arguments.n
        }
        try await context.wait("packing", for: .seconds(2 * 86_400))
        let place: String = try await context.waitForSignal("delivered")
        runs.withLock { $0.append("deliver") }
        return "\(number) is \(place)"
    }
}

/// Has the session reminded.
struct Remind: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "remind"
    let description = "Reminds."
    let effect = ToolEffect.idempotent
    let at: Int64

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        try await context.schedule("reminder", at: at, message: "Water the plants.")
        return "noted"
    }
}

/// Cannot wait, as it cannot run again.
struct HastyWait: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "hasty"
    let description = "Waits."

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        try await context.wait("long", for: .seconds(1))
        return "waited"
    }
}

@Suite(.timeLimit(.minutes(2))) struct WaitTests {
    let calendar = Calendar()
    let root: TemporaryRoot
    let store: SessionStore

    init() throws {
        root = try TemporaryRoot()
        store = try SessionStore(root: root.path, now: { [calendar] in calendar.now })
    }

    func runtime(
        _ server: ScriptedModelServer, tools: [any Tool], hasWakes: Bool = true,
        change: (inout Agent) -> Void = { _ in }
    ) throws -> AgentRuntime {
        var agent = Agent(
            name: "support", instructions: "You help.", model: OpenAICompatibleModel(baseURL: server.url, model: "m")
        ) { for tool in tools { tool } }
        change(&agent)
        return try AgentRuntime(agent, store: store, wakes: hasWakes ? calendar.wakes : nil)
    }

    static func message(_ text: String, id: String) -> AgentRequest {
        AgentRequest(session: "a", id: id, content: .message(text))
    }

    /// Delivers an event as Lambda would.
    func deliver(_ event: JSONValue, to runtime: AgentRuntime) async throws -> Outcome {
        try await runtime.respond(to: AgentRequest(event: event, defaultID: "invocation")).outcome
    }

    static func calling(_ tool: String) -> [ScriptedModelServer.Step] {
        [.toolCalls([.init(name: tool, arguments: #"{"n":1}"#)]), .text("Done.")]
    }

    @Test(arguments: [true, false])
    func `a tool waits for days and for a word from outside`(hasWakes: Bool) async throws {
        let server = try ScriptedModelServer(Self.calling("order"))
        let tool = OrderParcel()
        let runtime = try runtime(server, tools: [tool], hasWakes: hasWakes)
        let due = calendar.now + 2 * 86_400_000
        let message = Self.message("Order it", id: "1")
        #expect(try await runtime.respond(to: message).outcome == .suspended(until: due))
        #expect(calendar.scheduled.count == (hasWakes ? 1 : 0))
        let wake: JSONValue = ["session": "a", "id": "wake/1/\(due)", "wake": true]
        if let armed = calendar.scheduled["a/wake/1/\(due)"] { #expect(armed.due == due && armed.event == wake) }

        // Too early, whoever asks.
        #expect(try await runtime.respond(to: message).outcome == .suspended(until: due))
        #expect(try await deliver(wake, to: runtime) == .suspended(until: due))
        calendar.now = due
        #expect(try await deliver(wake, to: runtime) == .suspended(until: nil))
        // Delivered once more, it changes nothing.
        #expect(try await deliver(wake, to: runtime) == .suspended(until: nil))
        #expect(tool.done == ["order"])

        let signal: JSONValue = ["session": "a", "id": "s", "signal": ["name": "delivered", "value": "at the door"]]
        #expect(try await deliver(signal, to: runtime) == .completed(reply: "Done."))
        #expect(try server.messages(1).last == "tool: 71 is at the door")
        #expect(tool.done == ["order", "deliver"])
        // All of them have one answer.
        for event in [wake, signal] { #expect(try await deliver(event, to: runtime) == .completed(reply: "Done.")) }
        #expect(try await runtime.respond(to: message).outcome == .completed(reply: "Done."))
        #expect(server.requests.count == 2)
        var other = AgentRequest(session: "a", id: "s2", content: .signal(name: "delivered", value: 1))
        let error = await #expect(throws: AgentError.self) { try await runtime.respond(to: other) }
        #expect(error?.code == .nothingToResume)
        other.id = "s"
        await #expect(throws: AgentError.self) { try await runtime.respond(to: other) }
    }

    @Test func `a tool that runs once cannot wait`() async throws {
        let server = try ScriptedModelServer(Self.calling("hasty"))
        #expect(
            try await runtime(server, tools: [HastyWait()]).respond(to: Self.message("Wait", id: "1")).outcome
                == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.contains("cannot wait") == true)
    }

    @Test func `a scheduled message begins a turn of its own, once`() async throws {
        let server = try ScriptedModelServer(Self.calling("remind") + [.text("I will."), .text("Once more?")])
        let runtime = try runtime(server, tools: [Remind(at: calendar.now + 3_600_000)])
        #expect(try await runtime.respond(to: Self.message("Plants", id: "1")).outcome == .completed(reply: "Done."))
        let (_, armed) = try #require(calendar.scheduled.first)
        // What it says does not leave the session.
        #expect(!armed.event.description.contains("plants"))
        calendar.now = armed.due
        #expect(try await deliver(armed.event, to: runtime) == .completed(reply: "I will."))
        #expect(try server.messages(2).last == "user: Water the plants.")
        #expect(try await deliver(armed.event, to: runtime) == .completed(reply: "I will."))
        #expect(server.requests.count == 3)
        let unknown: JSONValue = ["session": "a", "id": "schedule/x", "schedule": "x"]
        #expect(try await deliver(unknown, to: runtime) == .completed(reply: "I will."))
        #expect(server.requests.count == 3)
    }

    @Test func `a scheduled message waits for a turn that waits`() async throws {
        let due = calendar.now + 3_600_000
        let server = try ScriptedModelServer(
            Self.calling("remind") + Self.calling("order") + [.text("Watered.")])
        let tool = OrderParcel()
        let runtime = try runtime(server, tools: [Remind(at: due), tool])
        _ = try await runtime.respond(to: Self.message("Plants", id: "1"))
        let reminder = try #require(calendar.scheduled.values.first?.event)
        let waiting = try await runtime.respond(to: Self.message("Order it", id: "2")).outcome
        calendar.now = due
        guard case .suspended = waiting else { return #expect(Bool(false), "\(waiting)") }
        #expect(try await deliver(reminder, to: runtime) == .completed(reply: "Done."))
        #expect(server.requests.count == 3)
        calendar.now += 3 * 86_400_000
        _ = try await runtime.respond(to: AgentRequest(session: "a", id: "2", content: .resume))
        let signal = AgentRequest(session: "a", id: "s", content: .signal(name: "delivered", value: "here"))
        #expect(try await runtime.respond(to: signal).outcome == .completed(reply: "Done."))
        #expect(calendar.invoked == [reminder])
        #expect(try await deliver(reminder, to: runtime) == .completed(reply: "Watered."))
    }

    @Test func `a turn whose time is up goes on in another invocation`() async throws {
        let server = try ScriptedModelServer([.hang, .text("Hi.")])
        let runtime = try runtime(server, tools: [])
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        let message = Self.message("Hello", id: "1")
        #expect(try await runtime.respond(to: message, deadline: deadline).outcome == .continuing)
        #expect(calendar.invoked == [["session": "a", "id": "1", "resume": true, "fruitless": 1]])
        for _ in 0..<2 { #expect(try await deliver(calendar.invoked[0], to: runtime) == .completed(reply: "Hi.")) }
        #expect(try await runtime.respond(to: message).outcome == .completed(reply: "Hi."))
        #expect(Set(server.requests).count == 1)
    }

    @Test func `a step that would take longer than there is time is left to another invocation`() async throws {
        let server = try ScriptedModelServer(Self.calling("slow"))
        let slow = Slow(timeLimit: .seconds(600))
        let runtime = try runtime(server, tools: [slow])
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        #expect(try await runtime.respond(to: Self.message("Go", id: "1"), deadline: deadline).outcome == .continuing)
        #expect(slow.runs == 0)
        // One that begins with it tries: nothing would ever be done otherwise.
        let event = try #require(calendar.invoked.first)
        let request = try AgentRequest(event: event, defaultID: "")
        let again = ContinuousClock.now.advanced(by: .seconds(60))
        #expect(try await runtime.respond(to: request, deadline: again).outcome == .completed(reply: "Done."))
        #expect(slow.runs == 1)
        #expect(server.requests.count == 2)
    }

    @Test func `an approval expires, and the wake tells the model so`() async throws {
        let server = try ScriptedModelServer(Self.calling("guarded"))
        let runtime = try runtime(server, tools: [Guarded()])
        let outcome = try await runtime.respond(to: Self.message("Go", id: "1")).outcome
        guard case .awaiting(let approvals) = outcome else { return #expect(Bool(false), "\(outcome)") }
        let due = calendar.now + 60_000
        #expect(approvals.map(\.expires) == [due])
        let wake = try #require(calendar.scheduled["a/wake/1/\(due)"])
        #expect(try await deliver(wake.event, to: runtime) == outcome)
        calendar.now = due
        #expect(try await deliver(wake.event, to: runtime) == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.contains("nobody decided in time") == true)
        let yes = AgentRequest(
            session: "a", id: "2", content: .decisions([Verdict(position: approvals[0].position, isApproved: true)]))
        let error = await #expect(throws: AgentError.self) { try await runtime.respond(to: yes) }
        #expect(error?.code == .noSuchApproval)
    }

    @Test func `a decision may change the arguments`() async throws {
        let server = try ScriptedModelServer(Self.calling("guarded"))
        let runtime = try runtime(server, tools: [Guarded()])
        _ = try await runtime.respond(to: Self.message("Go", id: "1"))
        var event: JSONValue = [
            "session": "a", "id": "2", "decisions": [["call": "1.0", "approve": true, "arguments": ["n": "two"]]],
        ]
        await #expect(throws: AgentError.self) { try await deliver(event, to: runtime) }
        event = ["session": "a", "id": "2", "decisions": [["call": "1.0", "approve": true, "arguments": ["n": 2]]]]
        #expect(try await deliver(event, to: runtime) == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.hasSuffix("did 2") == true)
        #expect(try await deliver(event, to: runtime) == .completed(reply: "Done."))
    }

    @Test func `a turn that reached its budget is parked, and goes on when somebody says so`() async throws {
        let server = try ScriptedModelServer(Self.calling("guarded") + [.text("More.")])
        let runtime = try runtime(server, tools: []) { $0.turnBudget = Budget(modelCalls: 1) }
        let parked = try await runtime.respond(to: Self.message("Go", id: "1")).outcome
        #expect(parked == .parked(reason: "the turn has made its 1 model calls"))
        #expect(try await runtime.respond(to: Self.message("Go", id: "1")).outcome == parked)
        let stale: JSONValue = ["session": "a", "id": "wake/1/5", "wake": true]
        #expect(try await deliver(stale, to: runtime) == parked)
        #expect(server.requests.count == 1)
        let resume: JSONValue = ["session": "a", "id": "2", "resume": true]
        #expect(try await deliver(resume, to: runtime) == .completed(reply: "Done."))
        #expect(try await runtime.respond(to: Self.message("More", id: "3")).outcome == .completed(reply: "More."))
    }

    @Test func `a turn that waits can be called off`() async throws {
        let server = try ScriptedModelServer(Self.calling("order"))
        let runtime = try runtime(server, tools: [OrderParcel()])
        let message = Self.message("Order it", id: "1")
        guard case .suspended = try await runtime.respond(to: message).outcome else { throw CancellationError() }
        let cancel: JSONValue = ["session": "a", "id": "2", "cancel": true, "reason": "changed my mind"]
        for _ in 0..<2 { #expect(try await deliver(cancel, to: runtime) == .cancelled) }
        #expect(try await runtime.respond(to: message).outcome == .cancelled)
        calendar.now += 3 * 86_400_000
        let wake = try #require(calendar.scheduled.values.first?.event)
        #expect(try await deliver(wake, to: runtime) == .cancelled)
        #expect(try await runtime.respond(to: Self.message("So?", id: "3")).outcome == .completed(reply: "Done."))
        let error = await #expect(throws: AgentError.self) {
            try await deliver(["session": "a", "id": "4", "cancel": true], to: runtime)
        }
        #expect(error?.code == .nothingToResume)
    }
}

/// Says how long it may take, and takes no time.
final class Slow: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "slow"
    let description = "Takes long."
    let timeLimit: Duration?
    private let count = Mutex(0)
    var runs: Int { count.withLock(\.self) }

    init(timeLimit: Duration) { self.timeLimit = timeLimit }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        count.withLock { $0 += 1 }
        return "done"
    }
}

/// Asks a person, who has a minute.
struct Guarded: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "guarded"
    let description = "Needs a person."

    func approval(for arguments: Arguments) -> ApprovalRequirement { .required(reason: "costly", within: .seconds(60)) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String { "did \(arguments.n)" }
}
