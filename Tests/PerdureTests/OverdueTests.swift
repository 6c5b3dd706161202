// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// Has the session reminded in an hour, and waits for two.
struct RemindAndWait: Tool {
    struct Arguments: Codable { let n: Int }
    let name = "remind"
    let description = "Reminds."
    let effect = ToolEffect.idempotent
    let now: Int64

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        try await context.schedule("reminder", at: now + 3_600_000, message: "Water the plants.")
        try await context.wait("long", for: .seconds(7200))
        return "noted"
    }
}

/// Messages that come due while something stands in their way.
@Suite(.timeLimit(.minutes(2))) struct OverdueTests {
    let waits: WaitTests
    var calendar: Calendar { waits.calendar }

    init() throws { waits = try WaitTests() }

    @Test func `a message that comes due in the first turn of a session, which waits, comes when that ends`()
        async throws
    {
        let server = try ScriptedModelServer(WaitTests.calling("remind") + [.text("Watered.")])
        let runtime = try waits.runtime(server, tools: [RemindAndWait(now: calendar.now)])
        let due = calendar.now + 7_200_000
        let first = try await runtime.respond(to: WaitTests.message("Plants", id: "1")).outcome
        #expect(first == .suspended(until: due))
        let reminder = try #require(calendar.scheduled.values.first { $0.event["schedule"] != nil })
        let wake = try #require(calendar.scheduled.values.first { $0.event["wake"] != nil })
        calendar.now = reminder.due
        // One that nobody has noted, such as of an attempt that died in between, is no reason to go on either.
        let unknown: JSONValue = ["session": "a", "id": "schedule/x", "schedule": "x"]
        for event in [reminder.event, unknown] {
            #expect(try await waits.deliver(event, to: runtime) == .suspended(until: due))
        }
        #expect(calendar.invoked.isEmpty)
        calendar.now = due
        #expect(try await waits.deliver(wake.event, to: runtime) == .completed(reply: "Done."))
        #expect(calendar.invoked == [reminder.event])
        #expect(try await waits.deliver(reminder.event, to: runtime) == .completed(reply: "Watered."))
        #expect(server.requests.count == 3)
    }

    @Test func `a process that ended behind the outcome has its retry deliver what is due`() async throws {
        let server = try ScriptedModelServer(WaitTests.calling("remind") + [.text("Watered.")])
        let tool = RemindAndWait(now: calendar.now)
        let runtime = try waits.runtime(server, tools: [tool])
        _ = try await runtime.respond(to: WaitTests.message("Plants", id: "1"))
        let reminder = try #require(calendar.scheduled.values.first { $0.event["schedule"] != nil }?.event)
        let wake = try #require(calendar.scheduled.values.first { $0.event["wake"] != nil }?.event)
        calendar.now += 7_200_000
        // Its invocation came while the turn waited, and this one ends before it can ask for another.
        let broken = Wakes { _ in
            throw CancellationError()
        } schedule: { _, _, _ in
            throw CancellationError()
        }
        var agent = Agent(
            name: "support", instructions: "You help.", model: OpenAICompatibleModel(baseURL: server.url, model: "m"))
        agent.tools = [tool]
        let dying = try AgentRuntime(agent, store: waits.store, wakes: broken)
        #expect(try await waits.deliver(wake, to: dying) == .completed(reply: "Done."))
        #expect(calendar.invoked.isEmpty)
        #expect(try await waits.deliver(wake, to: runtime) == .completed(reply: "Done."))
        #expect(calendar.invoked == [reminder])
        #expect(try await waits.deliver(reminder, to: runtime) == .completed(reply: "Watered."))
        #expect(try await waits.deliver(wake, to: runtime) == .completed(reply: "Done."))
        #expect(calendar.invoked == [reminder])
    }

    @Test func `an input of a workflow that is parked comes when that has ended, and not again and again before`()
        async throws
    {
        let due = calendar.now + 3_600_000
        let workflow = Workflow(name: "support") { (round: Int, session) in
            if round == 1 { try await session.schedule("again", at: due, input: 2) }
            return "round \(round)"
        }
        let runtime = try AgentRuntime(workflow.agent, store: waits.store, wakes: calendar.wakes)
        #expect(try await runtime.respond(to: WaitTests.message("1", id: "1")).outcome == .completed(reply: "round 1"))
        let event = try #require(calendar.scheduled.values.first?.event)
        calendar.now = due

        var poor = workflow.agent
        poor.turnBudget = Budget(modelCalls: 1)
        let parking = try AgentRuntime(poor, store: waits.store, wakes: calendar.wakes)
        let parked = Outcome.parked(reason: "the turn has made its 1 model calls")
        #expect(try await parking.respond(to: WaitTests.message("3", id: "3")).outcome == parked)
        #expect(try await waits.deliver(event, to: parking) == parked)
        #expect(calendar.invoked.isEmpty)

        let release = AgentRequest(session: "a", id: "4", content: .resume)
        #expect(try await runtime.respond(to: release).outcome == .completed(reply: "round 3"))
        #expect(calendar.invoked == [event])
        #expect(try await waits.deliver(event, to: runtime) == .completed(reply: "round 2"))
    }
}
