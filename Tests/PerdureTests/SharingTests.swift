// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Perdure
import PerdureTesting
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(3))) struct SharingTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    @Test func `what a lease holds shows where the other tests look for it`() throws {
        let held = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "test", until: .now)
        let leftovers = try bench.leftovers()
        try held.release()
        #if os(Linux)
        #expect(leftovers.contains { $0.hasPrefix("open: ") && $0.hasSuffix("/s.db") })
        #expect(leftovers.contains { $0.hasPrefix("open: ") && $0.hasSuffix("/s.db-wal") })
        #expect(leftovers.count { $0.hasPrefix("locked: ") } >= 2)
        #endif
        #expect(try bench.leftovers() == [])
    }

    @Test func `a session that stays busy is busy, not late`() async throws {
        let server = try ScriptedModelServer([.text("Hi.")])
        let runtime = try bench.runtime(server)
        let held = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "test", until: .now)
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        let request = AgentRequest(session: "a", id: "1", content: .message("Hello"))
        let error = await #expect(throws: AgentError.self) {
            try await runtime.respond(to: request, deadline: deadline)
        }
        #expect(ContinuousClock.now < deadline + Bench.lateness)
        #expect(error?.code == .sessionBusy)
        #expect(error?.retryAfter == .seconds(1))
        try held.release()
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Hi."))
    }

    @Test func `a session that is let go in time is served`() async throws {
        let server = try ScriptedModelServer([.text("Hi.")])
        let runtime = try bench.runtime(server)
        let held = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "test", until: .now)
        let request = AgentRequest(session: "a", id: "1", content: .message("Hello"))
        async let response = runtime.respond(to: request, deadline: .now.advanced(by: .seconds(30)))
        try held.release()
        #expect(try await response.outcome == .completed(reply: "Hi."))
        #expect(try bench.leftovers() == [])
    }

    @Test func `two runtimes that race on one session lose no turn`() async throws {
        let server = try ScriptedModelServer { number, _ in .text("Reply \(number).") }
        let path = bench.root.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for racer in ["left", "right"] {
                // Each on a store of its own, as two processes are.
                let agent = Agent(
                    name: "support", instructions: "You help.",
                    model: OpenAICompatibleModel(baseURL: server.url, model: "scripted"))
                let runtime = try AgentRuntime(agent, store: SessionStore(root: path))
                group.addTask {
                    for number in 0..<50 {
                        let request = AgentRequest(
                            session: "a", id: "\(racer) \(number)", content: .message("\(racer)"))
                        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
                        let response = try await runtime.respond(to: request, deadline: deadline)
                        guard case .completed = response.outcome else { throw CancellationError() }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try bench.leftovers() == [])
        let log = try bench.log()
        #expect(log.count == 200)
        #expect(log.last?.turn == 100)
        let ids = log.compactMap { if case .input(let request, _) = $0.fact { request } else { nil } }
        #expect(Set(ids).count == 100)
        #expect(server.requests.count == 100)
        // Each request holds the whole conversation before it.
        #expect(server.requests.map { $0["messages"]?.array?.count } == (0..<100).map { 2 + 2 * $0 })
    }
}
