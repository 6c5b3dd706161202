// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import PerdureTesting
import SessionStore
import Synchronization
import Testing

@testable import Perdure

/// Replies that are given again.
@Suite(.timeLimit(.minutes(2))) struct ResponseCacheTests {
    let root: TemporaryRoot
    let clock = Clock()

    final class Clock: Sendable {
        let time = Mutex<Int64>(1_700_000_000_000)
        var now: Int64 { time.withLock(\.self) }
        func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
    }

    init() throws { root = try TemporaryRoot() }

    func store() throws -> SessionStore {
        let clock = clock
        return try SessionStore(root: root.path) { clock.now }
    }

    func runtime(
        _ server: ScriptedModelServer, _ cache: ResponseCache? = .timeToLive(.seconds(60)), model: String = "scripted",
        instructions: String = "You help.", tools: [any Tool] = []
    ) throws -> AgentRuntime {
        let agent = Agent(
            name: "support", instructions: instructions,
            model: OpenAICompatibleModel(baseURL: server.url, model: model), responseCache: cache
        ) { for tool in tools { tool } }
        return try AgentRuntime(agent, store: store())
    }

    /// Answers every request with its number.
    func counting() throws -> ScriptedModelServer { try ScriptedModelServer { number, _ in .text("Reply \(number).") } }

    /// The reply to a message in a new session, and its usage in the log.
    func ask(
        _ runtime: AgentRuntime, _ text: String = "Hello", in session: String,
        onProgress: @escaping @Sendable (TurnProgress) -> Void = { _ in }
    ) async throws -> (text: String, usage: TokenUsage?) {
        let request = AgentRequest(session: session, id: "1", content: .message(text))
        let outcome = try await runtime.respond(to: request, onProgress: onProgress).outcome
        let leased = try store().leaseExisting(
            SessionID(session), of: AgentName("support"), until: .now.advanced(by: .seconds(5)))
        let entries = try leased.entries()
        try leased.release()
        guard case .completed(let reply) = outcome, case .reply(let logged) = entries.last?.fact else {
            throw NoMemory()
        }
        #expect(logged.text == reply)
        return (reply, logged.usage)
    }

    @Test func `the same request costs one model call, in whatever session`() async throws {
        let server = try counting()
        let runtime = try runtime(server)
        let first = try await ask(runtime, in: "a")
        let pieces = Mutex<[String]>([])
        let second = try await ask(runtime, in: "b") { progress in
            if case .text(let text, _) = progress { pieces.withLock { $0.append(text) } }
        }
        #expect(first.text == "Reply 0." && second.text == "Reply 0." && server.answeredCount == 1)
        // The log says which reply was paid for.
        #expect(first.usage != TokenUsage() && second.usage == TokenUsage())
        #expect(pieces.withLock(\.self).joined() == "Reply 0.", "a stream has the text as well")
        // Another process, another sandbox.
        #expect(try await ask(self.runtime(server), in: "c").text == "Reply 0.")
    }

    @Test func `without a cache each request is asked`() async throws {
        let server = try counting()
        let runtime = try runtime(server, nil)
        #expect(try await ask(runtime, in: "a").text == "Reply 0.")
        #expect(try await ask(runtime, in: "b").text == "Reply 1.")
    }

    @Test func `a reply that is too old is asked for again`() async throws {
        let server = try counting()
        let runtime = try runtime(server)
        _ = try await ask(runtime, in: "a")
        clock.advance(59_999)
        #expect(try await ask(runtime, in: "b").text == "Reply 0.")
        clock.advance(1)
        #expect(try await ask(runtime, in: "c").text == "Reply 1.")
        #expect(try await ask(runtime, in: "d").text == "Reply 1.")
    }

    @Test func `whatever a reply depends on makes another request`() async throws {
        let server = try counting()
        _ = try await ask(runtime(server), in: "a")
        #expect(try await ask(runtime(server), "Hello!", in: "b").text == "Reply 1.")
        #expect(try await ask(runtime(server, model: "other"), in: "c").text == "Reply 2.")
        #expect(try await ask(runtime(server, instructions: "You do not."), in: "d").text == "Reply 3.")
        #expect(try await ask(runtime(server, tools: [MemoryTool()]), in: "e").text == "Reply 4.")
        let more = AgentRequest(session: "a", id: "2", content: .message("Hello"))
        #expect(try await runtime(server).respond(to: more).outcome == .completed(reply: "Reply 5."))
        #expect(try await ask(runtime(server), in: "f").text == "Reply 0.")
    }

    @Test func `a cached reply calls its tools`() async throws {
        let create: JSONValue = ["command": "create", "path": "/memories/a", "file_text": "1"]
        let server = try ScriptedModelServer { number, _ in
            number == 0 ? .toolCalls([.init(id: "c", name: "memory", arguments: create.description)]) : .text("Done.")
        }
        let runtime = try runtime(server, tools: [MemoryTool()])
        #expect(try await ask(runtime, in: "a").text == "Done.")
        #expect(try await ask(runtime, in: "b").text == "Done.")
        #expect(server.answeredCount == 2, "neither the call nor the answer to its result was asked for again")
        for session in ["a", "b"] {
            let leased = try store().leaseExisting(
                SessionID(session), of: AgentName("support"), until: .now.advanced(by: .seconds(5)))
            #expect(try leased.memories().count == 1)
            try leased.release()
        }
    }

    @Test func `the cache is not waited for`() async throws {
        let server = try counting()
        let runtime = try runtime(server)
        let held = try store().lease(.responseCache, of: AgentName("support"), attempt: "test", until: .now)
        #expect(try await ask(runtime, in: "a").text == "Reply 0.")
        try held.release()
        #expect(try await ask(runtime, in: "b").text == "Reply 1.")
    }

    @Test func `old replies make room`() async throws {
        let server = try counting()
        let runtime = try runtime(server, .timeToLive(.seconds(60), capacity: 2000))
        for number in 0..<60 { _ = try await ask(runtime, "Question \(number)", in: "s\(number)") }
        #expect(server.answeredCount == 60)
        _ = try await ask(runtime, "Question 59", in: "x")
        #expect(server.answeredCount == 60)
        _ = try await ask(runtime, "Question 0", in: "y")
        #expect(server.answeredCount == 61)
    }

    @Test func `a reply that was cut off is not kept`() async throws {
        struct Truncated: LanguageModel {
            let identity: String? = "truncated"
            let calls = Counter()
            func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
                ModelReply(text: "\(calls.next())", finishReason: "length")
            }
        }
        final class Counter: Sendable {
            private let count = Mutex(0)
            func next() -> Int {
                count.withLock {
                    $0 += 1; return $0
                }
            }
        }
        let agent = Agent(
            name: "support", instructions: "", model: Truncated(), responseCache: .timeToLive(.seconds(60)))
        let runtime = try AgentRuntime(agent, store: store())
        #expect(try await ask(runtime, in: "a").text == "1")
        #expect(try await ask(runtime, in: "b").text == "2")
    }

    @Test func `a reply that says nothing is not kept`() async throws {
        let server = try ScriptedModelServer { number, _ in .text(number == 0 ? "" : "Reply \(number).") }
        let runtime = try runtime(server)
        #expect(try await ask(runtime, in: "a").text == "")
        #expect(try await ask(runtime, in: "b").text == "Reply 1.")
    }

    @Test func `what was not asked for is not spent`() async throws {
        let server = try counting()
        var agent = Agent(
            name: "support", instructions: "", model: OpenAICompatibleModel(baseURL: server.url, model: "scripted"),
            responseCache: .timeToLive(.seconds(60)))
        agent.sessionBudget = Budget(modelCalls: 1)
        let runtime = try AgentRuntime(agent, store: store())
        _ = try await ask(runtime, in: "a")
        #expect(try await ask(runtime, in: "b").text == "Reply 0.")
        let more = { (session: String) in AgentRequest(session: session, id: "2", content: .message("More")) }
        let spent = try await runtime.respond(to: more("a")).outcome
        #expect(spent == .parked(reason: "the session has made its 1 model calls"))
        #expect(try await runtime.respond(to: more("b")).outcome == .completed(reply: "Reply 1."))
    }

    @Test func `a model that does not say which one it is has no cache`() throws {
        struct Nameless: LanguageModel {
            func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
                ModelReply(text: "")
            }
        }
        let agent = Agent(
            name: "support", instructions: "", model: Nameless(), responseCache: .timeToLive(.seconds(60)))
        let error = #expect(throws: AgentError.self) { try AgentRuntime(agent, store: store()) }
        #expect(error?.code == .invalidConfiguration)
        let server = try counting()
        #expect(throws: AgentError.self) { try runtime(server, .timeToLive(.zero)) }
        #expect(throws: AgentError.self) { try runtime(server, .timeToLive(.seconds(1), capacity: 0)) }
    }
}
