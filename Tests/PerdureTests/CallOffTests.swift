// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Perdure
import PerdureTesting
import SessionStore
import Testing

/// Turns that another sandbox calls off.
@Suite(.timeLimit(.minutes(3))) struct CallOffTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    static let policies: [BusyPolicy] = [.wait, .refuse, .queue(.atNextStep), .queue(.atEnd)]

    /// What the session says next, which the provider's rules have to allow.
    private func goOn(_ runtime: AgentRuntime, _ server: ScriptedModelServer) async throws -> [String] {
        #expect(try await runtime.ask("Next", id: "next") == .completed(reply: "Next."))
        let request = try #require(server.requests.last)
        var open: Set<String> = []
        for message in try #require(request["messages"]?.array) {
            if message["role"] == "tool" {
                #expect(open.remove(message["tool_call_id"]?.string ?? "") != nil, "a result without its call")
            } else {
                #expect(open.isEmpty, "a call without its result")
            }
            open.formUnion((message["tool_calls"]?.array ?? []).compactMap { $0["id"]?.string })
        }
        #expect(open.isEmpty)
        return try server.messages(server.requests.count - 1)
    }

    @Test(arguments: policies)
    func `a turn that waits for the model ends soon`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer([.hang, .text("Next.")])
        let holder = try bench.sandbox(server, whenBusy: policy)
        let other = try bench.sandbox(server, whenBusy: policy)
        async let first = holder.ask("First", id: "1")
        try await eventually { server.requests.count == 1 }
        let begin = ContinuousClock.now
        #expect(try await other.callOff(id: "stop", reason: "enough") == .queued)
        #expect(try await first == .cancelled)
        #expect(begin.duration(to: .now) < .seconds(15))
        #expect(try await other.callOff(id: "stop", reason: "enough") == .cancelled)
        #expect(try await other.ask("First", id: "1") == .cancelled)
        #expect(try bench.inboxSize() == 0)
        #expect(try await goOn(other, server) == ["system: You help.", "user: First", "user: Next"])
    }

    @Test(arguments: policies)
    func `a turn whose tool runs ends, and whether the tool took effect is unknown`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer([
            .toolCalls([
                .init(id: "a", name: "slow", arguments: #"{"n":1}"#),
                .init(id: "b", name: "quick", arguments: #"{"n":2}"#),
            ]), .text("Next."),
        ])
        let (slow, quick) = (Puppet("slow", .hangs), Puppet("quick", .works))
        let holder = try bench.sandbox(server, whenBusy: policy, tools: [slow, quick])
        let other = try bench.sandbox(server, whenBusy: policy, tools: [slow, quick])
        async let first = holder.ask("First", id: "1")
        try await eventually { slow.keys.count == 1 && quick.keys.count == 1 }
        #expect(try await other.callOff(id: "stop") == .queued)
        #expect(try await first == .cancelled)
        let results = try bench.log().compactMap { entry in
            if case .result(let position, let result) = entry.fact { "\(position) \(result.status)" } else { nil }
        }
        #expect(Set(results) == ["1.0 unknown", "1.1 succeeded"])
        _ = try await goOn(other, server)
        #expect(slow.keys.count == 1 && quick.keys.count == 1)
    }

    @Test func `a tool that heeds nothing brings its call to an end, and the turn goes no further`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(id: "a", name: "late", arguments: #"{"n":1}"#)]), .text("Next."),
        ])
        let late = Puppet("late", .finishesLate)
        let holder = try bench.sandbox(server, whenBusy: .wait, tools: [late])
        let other = try bench.sandbox(server, whenBusy: .wait, tools: [late])
        async let first = holder.ask("First", id: "1")
        try await eventually { late.keys.count == 1 }
        #expect(try await other.callOff(id: "stop") == .queued)
        #expect(try await first == .cancelled)
        #expect(try await goOn(other, server).contains("tool: late 1"))
        #expect(server.requests.count == 2)
    }

    @Test func `a turn ends between two steps, and what it did is kept`() async throws {
        let gate = Barrier()
        let server = try ScriptedModelServer { number, _ in
            guard number == 0 else { return .text("Next.") }
            gate.block()
            return .toolCalls([.init(id: "a", name: "quick", arguments: #"{"n":1}"#)])
        }
        let quick = Puppet("quick", .works)
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd), tools: [quick])
        async let first = holder.ask("First", id: "1")
        try await eventually { gate.isReached }
        #expect(try await holder.callOff(id: "stop") == .queued)
        gate.open()
        #expect(try await first == .cancelled)
        #expect(quick.keys.isEmpty)
        // It has not begun, and is known not to have.
        #expect(
            try bench.log().contains {
                if case .result(_, let result) = $0.fact { result.status == .skipped } else { false }
            })
        _ = try await goOn(holder, server)
    }

    @Test func `there is nothing to call off in a session at rest`() async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        #expect(try await runtime.ask("First", id: "1") == .completed(reply: "Next."))
        let error = await #expect(throws: AgentError.self) { try await runtime.callOff(id: "stop") }
        #expect(error?.code == .nothingToResume)
        _ = try await goOn(runtime, server)
    }

    @Test func `only the turn that runs is called off, and not those that wait behind it`() async throws {
        let server = try ScriptedModelServer { number, request in
            number == 0 ? .hang : .text("Next.")
        }
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        async let first = holder.ask("First", id: "1")
        try await eventually { server.requests.count == 1 }
        #expect(try await holder.ask("Second", id: "2") == .queued)
        #expect(try await holder.callOff(id: "stop") == .queued)
        #expect(try await first == .cancelled)
        #expect(try await holder.ask("Second", id: "2") == .completed(reply: "Next."))
        #expect(try bench.inboxSize() == 0)
    }

    @Test func `a holder that is killed leaves the request to the one who goes on with its turn`() async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: .wait)
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        try killed.append([Entry(turn: 1, fact: .input(request: "1", text: "First"))])
        #expect(try await runtime.callOff(id: "stop") == .queued)
        try killed.release()
        #expect(try await runtime.ask("First", id: "1") == .cancelled)
        #expect(server.requests.isEmpty)
        #expect(try bench.inboxSize() == 0)
        _ = try await goOn(runtime, server)
    }

    @Test func `a request for a turn that is over ends no later one`() async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        #expect(try await runtime.callOff(id: "stop") == .queued)
        try killed.release()
        #expect(try await runtime.ask("First", id: "1") == .completed(reply: "Next."))
        #expect(try bench.inboxSize() == 0)
    }

    @Test func `a request that comes as the holder begins to attend is heeded`() async throws {
        let server = try ScriptedModelServer { _, _ in .hang }
        let holder = try bench.sandbox(server, whenBusy: .queue(.atEnd))
        let (store, session, agent) = (bench.store, try SessionID("a"), try AgentName("support"))
        for round in 1...10 {
            let poster = Task {
                let message = InboxMessage(id: "stop \(round)", body: ["cancel": true])
                while try !store.post(message, to: session, of: agent, until: .now.advanced(by: .seconds(5))) {
                    await Task.yield()
                }
            }
            #expect(try await holder.ask("First", id: "\(round)", within: .seconds(10)) == .cancelled)
            try await poster.value
        }
        #expect(try bench.inboxSize() == 0)
    }

    @Test(arguments: [BusyPolicy.wait, .queue(.atEnd)])
    func `a turn that was put off is called off by a request that was left for it`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: policy)
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        try killed.append([
            Entry(turn: 1, fact: .input(request: "1", text: "First")), Entry(turn: 1, fact: .pause(.stopped)),
        ])
        #expect(try await runtime.callOff(id: "stop") == .queued)
        try killed.release()
        #expect(try await runtime.ask("First", id: "1") == .cancelled)
        #expect(server.requests.isEmpty)
        #expect(try bench.inboxSize() == 0)
    }

    @Test(arguments: [BusyPolicy.wait, .queue(.atEnd)])
    func `a message that comes behind a turn which was to end is answered`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: policy)
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        try killed.append([Entry(turn: 1, fact: .input(request: "1", text: "First"))])
        #expect(try await runtime.callOff(id: "stop") == .queued)
        try killed.release()
        #expect(try await runtime.ask("Second", id: "2") == .completed(reply: "Next."))
        #expect(try await runtime.ask("First", id: "1") == .cancelled)
        #expect(try await runtime.callOff(id: "stop") == .cancelled)
        #expect(server.requests.count == 1)
        #expect(try bench.inboxSize() == 0)
    }

    @Test(arguments: [BusyPolicy.wait, .queue(.atEnd)])
    func `a turn that waits is called off by a request that was left for it`(_ policy: BusyPolicy) async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: policy)
        try await leaveWaiting(runtime)
        #expect(try await runtime.ask("First", id: "1") == .cancelled)
        #expect(try bench.inboxSize() == 0)
        _ = try await goOn(runtime, server)
    }

    @Test(arguments: [BusyPolicy.wait, .queue(.atEnd)])
    func `a message that comes behind a turn which waits and was to end is answered`(
        _ policy: BusyPolicy
    ) async throws {
        let server = try ScriptedModelServer { _, _ in .text("Next.") }
        let runtime = try bench.sandbox(server, whenBusy: policy)
        try await leaveWaiting(runtime)
        #expect(try await runtime.ask("Second", id: "2") == .completed(reply: "Next."))
        #expect(try await runtime.ask("First", id: "1") == .cancelled)
        #expect(try await runtime.callOff(id: "stop") == .cancelled)
        #expect(server.requests.count == 1)
        #expect(try bench.inboxSize() == 0)
    }

    /// A holder is killed between the end of his attempt, as a tool waits, and his last look for requests: there is one.
    private func leaveWaiting(_ runtime: AgentRuntime) async throws {
        var killed = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "killed", until: .now)
        try killed.attendInbox()
        let (call, position) = (ToolCall(id: "c", name: "order", arguments: "{}"), CallPosition(reply: 1, index: 0))
        try killed.append([
            Entry(turn: 1, fact: .input(request: "1", text: "First")),
            Entry(turn: 1, fact: .reply(ModelReply(text: "", toolCalls: [call], finishReason: "tool_calls"))),
            Entry(turn: 1, fact: .claim(position, tool: "order", effect: .idempotent, attempt: 1)),
            Entry(turn: 1, fact: .pause(.waiting(until: nil))),
        ])
        #expect(try await runtime.callOff(id: "stop") == .queued)
        try killed.release()
    }

    @Test func `a turn that has just come to wait for a decision is called off, and its caller told of the approval`()
        async throws
    {
        let server = try ScriptedModelServer([.toolCalls([.init(name: "guarded")]), .text("Next.")])
        let runtime = try bench.sandbox(
            server, whenBusy: .queue(.atEnd), tools: [StoppedAtReview(store: bench.store)])
        guard case .awaiting = try await runtime.ask("First", id: "1") else { throw CancellationError() }
        #expect(try bench.log().last?.fact == .cancel(request: "stop", reason: nil))
        #expect(try await runtime.callOff(id: "stop") == .cancelled)
        #expect(try bench.inboxSize() == 0)
        _ = try await goOn(runtime, server)
    }
}

/// Is told of a request to call its turn off when it is asked whether it needs an approval, which it does.
private struct StoppedAtReview: Tool {
    struct Arguments: Codable {}
    let name = "guarded"
    let description = "Needs an approval."
    let store: SessionStore

    func approval(for arguments: Arguments) -> ApprovalRequirement {
        let message = InboxMessage(id: "stop", body: ["cancel": true])
        let deadline = ContinuousClock.now.advanced(by: .seconds(5))
        let isPosted = try? store.post(message, to: SessionID("a"), of: AgentName("support"), until: deadline)
        #expect(isPosted == true)
        return .required(reason: "costly")
    }

    func call(arguments: Arguments, context: ToolContext) async throws -> String { "done" }
}
