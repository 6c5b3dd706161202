// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// Messages for a session that another sandbox holds.
@Suite(.timeLimit(.minutes(3))) struct BusyTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    /// Whose first answer waits at the gate.
    private func greeter(behind gate: Barrier) throws -> ScriptedModelServer {
        try ScriptedModelServer { number, _ in
            if number == 0 { gate.block() }
            return .text("Hi.")
        }
    }

    @Test func `a message waits, unless the agent says something else`() {
        #expect(Agent(name: "support", instructions: "You help.").whenBusy == .wait)
        var agent = Agent(name: "support", instructions: "You help.")
        agent.whenBusy = .queue(.atNextStep)
        #expect(agent.whenBusy == .queue(.atNextStep))
    }

    @Test func `a message joins the turn at its next step`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer([
            .toolCalls([.init(id: "c", name: "gatekeeper")]), .text("Both."), .text("Next."),
        ])
        let holder = try bench.sandbox(
            server, whenBusy: .queue(.atNextStep), tools: [Gatekeeper(gate: gate)])
        let other = try bench.sandbox(server, whenBusy: .queue(.atNextStep), tools: [Gatekeeper(gate: gate)])
        async let first = holder.ask("First", id: "1")
        try await eventually { gate.isReached }
        #expect(try await other.ask("Second", id: "2") == .queued)
        #expect(try await other.ask("Third", id: "3") == .queued)
        // Who asks again is told the same.
        #expect(try await other.ask("Second", id: "2") == .queued)
        gate.open()
        #expect(try await first == .completed(reply: "Both."))
        #expect(
            try server.messages(1) == [
                "system: You help.", "user: First", "assistant: ", "tool: passed", "user: Second", "user: Third",
            ])
        for id in ["2", "3"] {
            #expect(
                try await other.ask(id == "2" ? "Second" : "Third", id: id) == .completed(reply: "Both."))
        }
        #expect(try bench.requests() == ["1", "2", "3"])
        #expect(server.requests.count == 2)
        #expect(try bench.inboxSize() == 0)
        #expect(try await other.ask("Fourth", id: "4") == .completed(reply: "Next."))
    }

    @Test func `messages become turns of their own behind the one that runs, in their order`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, request in
            if number == 0 { gate.block() }
            return .text("Re: \(request["messages"]?.array?.last?["content"]?.string ?? "")")
        }
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        let other = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        let said = Mutex<[String]>([])
        let request = AgentRequest(session: "a", id: "0", content: .message("0"))
        async let first = holder.respond(to: request) { progress in
            if case .text(let text, _) = progress { said.withLock { $0.append(text) } }
        }
        try await eventually { gate.isReached }
        for number in 1...4 { #expect(try await other.ask("\(number)", id: "\(number)") == .queued) }
        gate.open()
        #expect(try await first.outcome == .completed(reply: "Re: 0"))
        // What others are told is not said to this caller.
        #expect(said.withLock { $0.joined() } == "Re: 0")
        #expect(try bench.requests() == ["0", "1", "2", "3", "4"])
        #expect(try bench.log().map(\.turn) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
        for number in 1...4 {
            #expect(try await other.ask("\(number)", id: "\(number)") == .completed(reply: "Re: \(number)"))
        }
        #expect(server.requests.count == 5)
        #expect(try bench.inboxSize() == 0)
    }

    @Test func `a message is refused at once where that is the policy`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { _, _ in
            gate.block()
            return .text("Hi.")
        }
        let holder = try bench.sandbox(server, whenBusy: .refuse)
        let other = try bench.sandbox(server, whenBusy: .refuse)
        async let first = holder.ask("First", id: "1")
        try await eventually { gate.isReached }
        let begin = ContinuousClock.now
        let error = await #expect(throws: AgentError.self) { try await other.ask("Second", id: "2") }
        #expect(error?.code == .sessionBusy && error?.retryAfter == .seconds(1))
        #expect(begin.duration(to: .now) < .seconds(10))
        gate.open()
        #expect(try await first == .completed(reply: "Hi."))
        #expect(try await other.ask("Second", id: "2") == .completed(reply: "Hi."))
    }

    @Test(arguments: [BusyPolicy.wait, .refuse])
    func `a short turn has nothing to do with an inbox, unless the policy asks for it`(_ policy: BusyPolicy)
        async throws
    {
        let server = try ScriptedModelServer { _, _ in .text("Hi.") }
        let runtime = try bench.sandbox(server, whenBusy: policy)
        #expect(try await runtime.ask("Hello", id: "1") == .completed(reply: "Hi."))
        #expect(try bench.inboxSize() == nil)
    }

    @Test func `what a holder that was killed has not read is done by the next one, first come first`() async throws {
        let server = try ScriptedModelServer { _, request in
            .text("Re: \(request["messages"]?.array?.last?["content"]?.string ?? "")")
        }
        let runtime = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        for number in 1...3 { #expect(try await runtime.ask("\(number)", id: "\(number)") == .queued) }
        try killed.release()
        #expect(try await runtime.ask("4", id: "4") == .completed(reply: "Re: 4"))
        #expect(try Set(bench.requests()) == ["1", "2", "3", "4"])
        #expect(try bench.requests().filter { $0 != "4" } == ["1", "2", "3"])
        #expect(try bench.inboxSize() == 0)
        #expect(try await runtime.ask("2", id: "2") == .completed(reply: "Re: 2"))
    }

    @Test func `one of them that asks again does the others' turns as well`() async throws {
        let server = try ScriptedModelServer { number, _ in .text("Reply \(number).") }
        let runtime = try bench.sandbox(server, whenBusy: .queue(.atNextStep))
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        for number in 1...3 { #expect(try await runtime.ask("\(number)", id: "\(number)") == .queued) }
        try killed.release()
        #expect(try await runtime.ask("2", id: "2") == .completed(reply: "Reply 0."))
        #expect(try bench.requests().sorted() == ["1", "2", "3"])
        #expect(try bench.inboxSize() == 0)
    }

    @Test func `an id that comes with another message is refused`() async throws {
        let gate = Barrier()
        let server = try greeter(behind: gate)
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        async let first = holder.ask("First", id: "1")
        try await eventually { gate.isReached }
        #expect(try await holder.ask("Second", id: "2") == .queued)
        let error = await #expect(throws: AgentError.self) { try await holder.ask("Another", id: "2") }
        #expect(error?.code == .reusedID)
        gate.open()
        #expect(try await first == .completed(reply: "Hi."))
    }

    @Test func `messages are on record although the model fails, and are answered when asked for again`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, _ in
            if number == 0 { gate.block() }
            return number < 1 ? .refuse(status: 404, body: "no such model") : .text("Now.")
        }
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        let first = Task { try await holder.ask("First", id: "1") }
        try await eventually { gate.isReached }
        #expect(try await holder.ask("Second", id: "2") == .queued)
        #expect(try await holder.ask("Third", id: "3") == .queued)
        gate.open()
        let error = await #expect(throws: AgentError.self) { try await first.value }
        #expect(error?.code == .modelFailed)
        #expect(server.requests.count == 1)
        #expect(try bench.requests() == ["1", "2", "3"])
        #expect(try bench.inboxSize() == 0)
        #expect(try await holder.ask("Second", id: "2") == .completed(reply: "Now."))
        #expect(try await holder.ask("First", id: "1") == .completed(reply: "Now."))
        #expect(try server.messages(1).suffix(3) == ["user: First", "user: Second", "user: Third"])
    }

    @Test(arguments: [BusyPolicy.queue(.atEnd), .queue(.atNextStep)])
    func `nothing is stranded when messages meet the end of a turn`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer { _, _ in .text("Hi.") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["left", "middle", "right"] {
                let runtime = try bench.sandbox(server, whenBusy: policy)
                group.addTask {
                    for number in 0..<40 {
                        var outcome = Outcome.continuing
                        while outcome == .continuing {
                            // The inbox may be full.
                            do throws(AgentError) {
                                outcome = try await runtime.ask("Hello", id: "\(name)/\(number)")
                            } catch {
                                guard error.code == .sessionBusy else { throw error }
                                try await Task.sleep(for: .milliseconds(20))
                            }
                        }
                        guard outcome == .queued || outcome == .completed(reply: "Hi.") else {
                            throw CancellationError()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try bench.leftovers() == [])
        // Nobody has looked since the last one ended.
        #expect(try bench.inboxSize() == 0)
        let requests = try bench.requests()
        #expect(requests.count == 120 && Set(requests).count == 120)
        for name in ["left", "middle", "right"] {
            let own = requests.filter { $0.hasPrefix(name) }
            #expect(own == (0..<40).map { "\(name)/\($0)" })
        }
        // Each of them has an answer.
        let runtime = try bench.sandbox(server, whenBusy: policy)
        let count = server.requests.count
        for request in requests { #expect(try await runtime.ask("Hello", id: request) == .completed(reply: "Hi.")) }
        #expect(server.requests.count == count)
    }

    @Test func `over HTTP a message that is queued is accepted`() async throws {
        let gate = Barrier()
        let server = try greeter(behind: gate)
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        async let first = holder.ask("First", id: "1")
        try await eventually { gate.isReached }
        let handler = AgentHandler(try bench.sandbox(server, whenBusy: .queue(.atEnd)))
        let event = httpEvent(body: #"{"session":"a","id":"2","message":"Second"}"#)
        let queued = try JSONValue(parsing: await handler.answer(event, context: context()))
        #expect(queued["statusCode"] == 202)
        #expect(queued["body"]?.string == #"{"session":"a","id":"2","status":"queued"}"#)
        gate.open()
        #expect(try await first == .completed(reply: "Hi."))
        let done = try JSONValue(parsing: await handler.answer(event, context: context()))
        #expect(done["statusCode"] == 200)
    }

    @Test func `a queued turn whose time is up goes on in another invocation`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, _ in
            if number == 0 { gate.block() }
            return number == 1 ? .hang : .text("Reply \(number).")
        }
        let service = Calendar()
        // Like a request to a service: a task that is cancelled sends none.
        let wakes = Wakes { event in
            try Task.checkCancellation()
            service.noteInvocation(event)
        } schedule: { _, _, _ in
        }
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd), wakes: wakes)
        async let first = holder.ask("First", id: "1", within: .seconds(5))
        try await eventually { gate.isReached }
        #expect(try await holder.ask("Second", id: "2") == .queued)
        gate.open()
        #expect(try await first == .completed(reply: "Reply 0."))
        #expect(service.invoked == [["session": "a", "id": "2", "resume": true]])
        let next = try AgentRequest(event: #require(service.invoked.first), defaultID: "")
        #expect(try await holder.respond(to: next).outcome == .completed(reply: "Reply 2."))
    }

    @Test func `an input of a workflow waits where a message would be queued`() async throws {
        let gate = Barrier()
        var agent = Workflow(name: "support") { (input: String, session) in
            try await session.step("pass") {
                try await gate.pass()
                return true
            }
            return "Re: \(input)"
        }.agent
        agent.whenBusy = .queue(.atNextStep)
        let runtime = try AgentRuntime(agent, store: bench.store)
        async let first = runtime.ask("first", id: "1")
        try await eventually { gate.isReached }
        let error = await #expect(throws: AgentError.self) {
            try await runtime.ask("second", id: "2", within: .seconds(1))
        }
        #expect(error?.code == .sessionBusy)
        gate.open()
        #expect(try await first == .completed(reply: "Re: first"))
        #expect(try await runtime.ask("second", id: "2") == .completed(reply: "Re: second"))
    }
}
