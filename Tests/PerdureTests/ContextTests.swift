// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// Answers with a long text, and nothing else.
private struct ReadPage: Tool {
    struct Arguments: Codable { let page: Int }
    let description = "Reads a page."
    let effect = ToolEffect.idempotent
    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        "page \(arguments.page): " + String(repeating: "word ", count: 60)
    }
}

/// What the model's server receives under a context policy.
@Suite(.timeLimit(.minutes(5))) struct ContextTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let context: ContextPolicy
        let cuts: Int
    }

    static let cases = [
        Case(testDescription: "everything", context: .everything, cuts: 0),
        Case(testDescription: "a window", context: .window(messages: 4, keeping: 2), cuts: 4),
        Case(
            testDescription: "old results, then a window",
            context: [
                .droppingToolResults(beyond: 300, keepingNewest: 1, freeing: 60), .window(tokens: 600, keeping: 200),
            ], cuts: 3),
        Case(testDescription: "summaries", context: .summarising(beyond: 350, keeping: 150), cuts: 2),
    ]

    static let messages = ["Read two pages", "And two more", "What do they say?"]

    /// Two rounds of tools in the first turns, and a text in the last one; and summaries.
    static func answer(_ request: JSONValue) -> ScriptedModelServer.Step {
        let messages = request["messages"]?.array ?? []
        let newest = messages.last?["content"]?.string ?? ""
        if newest == ContextPolicy.standardInstructions {
            return reply("A summary of \(messages.count) messages.", to: request)
        }
        guard newest.hasSuffix(Self.messages[2]) || newest.hasPrefix("page 2") || newest.hasPrefix("page 4") else {
            let page = newest.hasSuffix(Self.messages[0]) ? 1 : newest.hasSuffix(Self.messages[1]) ? 3 : nil
            let next = page ?? (newest.hasPrefix("page 1") ? 2 : 4)
            return reply("", calling: next, to: request)
        }
        return reply("Done with it.", to: request)
    }

    /// An answer whose count of tokens is a fourth of the request's bytes.
    static func reply(_ text: String, calling page: Int? = nil, to request: JSONValue) -> ScriptedModelServer.Step {
        var message: JSONObject = ["role": "assistant", "content": .init(text)]
        if let page {
            let function: JSONValue = ["name": "read_page", "arguments": .init(#"{"page":\#(page)}"#)]
            message["tool_calls"] = [["id": "call", "type": "function", "function": function]]
        }
        let tokens = request.description.utf8.count / 4
        let answer: JSONValue = [
            "choices": [["index": 0, "message": .object(message), "finish_reason": "stop"]],
            "usage": ["prompt_tokens": .init(tokens), "completion_tokens": 5],
        ]
        return .whole(answer.description)
    }

    /// A server, an agent, and a folder of its own.
    struct Life {
        let server: ScriptedModelServer
        let runtime: AgentRuntime
        let store: SessionStore
        let root: TemporaryRoot

        init(_ context: ContextPolicy) throws {
            root = try TemporaryRoot()
            store = try SessionStore(root: root.path)
            server = try ScriptedModelServer { _, request in ContextTests.answer(request) }
            var agent = Agent(
                name: "support", instructions: "You help.",
                model: OpenAICompatibleModel(baseURL: server.url, model: "scripted")
            ) { ReadPage() }
            agent.context = context
            runtime = try AgentRuntime(agent, store: store)
        }

        var bytes: [String] { server.requests.map(\.description) }

        func log() throws -> [StoredEntry] {
            let session = try store.leaseExisting(SessionID("a"), of: AgentName("support"), until: .now)
            let entries = try session.storedEntries()
            try session.release()
            return entries
        }

        /// The file as a crash behind these entries leaves it.
        func write(_ entries: some Sequence<StoredEntry>) throws {
            var session = try store.lease(SessionID("a"), of: AgentName("support"), attempt: "", until: .now)
            for stored in entries { try session.append([stored.entry], outcome: stored.outcome) }
            try session.release()
        }

        func deliverAll() async throws {
            for (number, text) in ContextTests.messages.enumerated() {
                let request = AgentRequest(session: "a", id: "\(number)", content: .message(text))
                #expect(try await runtime.respond(to: request).outcome == .completed(reply: "Done with it."))
            }
        }
    }

    @Test(arguments: cases)
    func `wherever a crash cuts the log, the model is asked in the same bytes`(_ item: Case) async throws {
        let whole = try Life(item.context)
        try await whole.deliverAll()
        let log = try whole.log()
        #expect(log.count { $0.entry.kind == .compaction } == item.cuts)
        let bytes = whole.bytes
        #expect(Set(bytes).count == bytes.count)
        for count in 0..<log.count {
            let life = try Life(item.context)
            if count > 0 { try life.write(log.prefix(count)) }
            try await life.deliverAll()
            // What was answered and stored is not asked again, and the rest is what it was.
            #expect(bytes.suffix(life.bytes.count) == life.bytes[...], "behind entry \(count)")
            #expect(try life.log().filter { $0.entry.kind == .compaction }.map(\.entry.body) == cuts(log))
        }
    }

    private func cuts(_ log: [StoredEntry]) -> [JSONValue] {
        log.filter { $0.entry.kind == .compaction }.map(\.entry.body)
    }

    @Test(arguments: cases)
    func `from request to request the beginning stays the same, but for where a cut is made`(_ item: Case) async throws
    {
        let life = try Life(item.context)
        try await life.deliverAll()
        let requests = life.server.requests.compactMap { $0["messages"]?.array }
        var breaks = 0
        for (before, after) in zip(requests, requests.dropFirst()) {
            // A summary's request goes back a few messages before it asks.
            let isSummary = after.last?["content"]?.string == ContextPolicy.standardInstructions
            let common = zip(before, after).prefix { $0 == $1 }.count
            if isSummary { #expect(common >= after.count - 2) } else if common < before.count { breaks += 1 }
        }
        #expect(breaks == item.cuts)
        for messages in requests { #expect(messages[1]["role"]?.string == "user") }
    }

    @Test func `a summary is written by the model that is named, and nobody is shown its text`() async throws {
        let writer = try ScriptedModelServer([.text("They like teal.")])
        let server = try ScriptedModelServer { number, request in Self.reply("Answer \(number).", to: request) }
        let root = try TemporaryRoot()
        var agent = Agent(
            name: "support", instructions: "You help.",
            model: OpenAICompatibleModel(baseURL: server.url, model: "scripted"))
        agent.context = .summarising(
            beyond: 100, keeping: 50, with: OpenAICompatibleModel(baseURL: writer.url, model: "small"),
            instructions: "Summarise.")
        let runtime = try AgentRuntime(agent, store: SessionStore(root: root.path))
        let long = String(repeating: "I like teal. ", count: 40)
        let shown = Mutex("")
        for (id, text) in [("1", long), ("2", "What do I like?")] {
            _ = try await runtime.respond(to: AgentRequest(session: "a", id: id, content: .message(text))) { progress in
                if case .text(let piece, _) = progress { shown.withLock { $0 += piece } }
            }
        }
        #expect(shown.withLock(\.self) == "Answer 0.Answer 1.")
        #expect(
            try writer.messages(0) == [
                "system: You help.", "user: \(long)", "assistant: Answer 0.", "user: Summarise.",
            ])
        #expect(writer.requests[0]["model"]?.string == "small")
        let messages = try server.messages(1)
        #expect(messages.count == 2)
        #expect(messages[1].contains("They like teal.") && messages[1].hasSuffix("What do I like?"))
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let step: ScriptedModelServer.Step
        /// Whether the conversation is cut without a summary.
        let isCut: Bool
    }

    @Test(arguments: [
        Failure(testDescription: "refused", step: .refuse(status: 400), isCut: true),
        Failure(testDescription: "says nothing", step: .text(""), isCut: true),
        Failure(testDescription: "wrong key", step: .refuse(status: 401), isCut: false),
        Failure(testDescription: "broken off", step: .breakOff, isCut: false),
    ])
    func `a summary that fails is left out only where the model will not write it`(_ failure: Failure) async throws {
        let writer = try ScriptedModelServer { number, _ in number == 0 ? failure.step : .text("They like teal.") }
        let server = try ScriptedModelServer { number, request in Self.reply("Answer \(number).", to: request) }
        let bench = try Bench()
        var agent = Agent(
            name: "support", instructions: "You help.",
            model: OpenAICompatibleModel(baseURL: server.url, model: "scripted"))
        agent.context = .summarising(
            beyond: 100, keeping: 50, with: OpenAICompatibleModel(baseURL: writer.url, model: "small"))
        let runtime = try AgentRuntime(agent, store: bench.store)
        _ = try await bench.ask(runtime, String(repeating: "I like teal. ", count: 40), id: "1").get()
        let second = try await bench.ask(runtime, "What do I like?", id: "2")
        if failure.isCut {
            #expect(try second.get() == .completed(reply: "Answer 1."))
            #expect(try server.messages(1)[1].hasPrefix("user: (Earlier messages of this conversation are left out.)"))
        } else {
            #expect(second.errorCode == .modelFailed)
            #expect(server.requests.count == 1)
            #expect(try await bench.ask(runtime, "What do I like?", id: "2").get() == .completed(reply: "Answer 1."))
            #expect(try server.messages(1)[1].contains("They like teal."))
        }
        #expect(try bench.log().count { $0.kind == .compaction } == 1)
    }

    @Test func `forks and rewinds know of the cuts`() async throws {
        let life = try Life(.window(turns: 2, keeping: 1))
        try await life.deliverAll()
        let agent = try AgentName("support")
        try life.store.fork(SessionID("a"), of: agent, atTurn: 3, as: SessionID("b"), until: .now)
        try life.store.fork(SessionID("a"), of: agent, atTurn: 2, as: SessionID("c"), until: .now)
        for (session, expected) in [("b", 2), ("c", 12)] {
            let lease = try life.store.leaseExisting(SessionID(session), of: agent, until: .now)
            let history = try lease.history()
            try lease.release()
            #expect(history.context.count == expected)
        }
        var lease = try life.store.leaseExisting(SessionID("a"), of: agent, until: .now)
        #expect(try lease.history().compaction?.dropped == 12)
        try lease.rewind(toTurn: 2)
        #expect(try lease.history().compaction == nil)
        try lease.release()
        #expect(try life.store.verify(SessionID("a"), of: agent).findings.isEmpty)
    }

    @Test func `a policy that cannot be is refused at the start`() throws {
        let bench = try Bench()
        var agent = Agent(
            name: "support", instructions: "", model: OpenAICompatibleModel(baseURL: "http://host/v1", model: "m"))
        agent.context = [.droppingToolResults(beyond: 40_000), .summarising(beyond: 100_000, keeping: 30_000)]
        _ = try AgentRuntime(agent, store: bench.store)
        agent.context = .window(tokens: 100, keeping: 100)
        #expect(throws: AgentError.self) { try AgentRuntime(agent, store: bench.store) }
        agent.context = .summarising(beyond: 100, keeping: 50, with: OpenAICompatibleModel(baseURL: "", model: "m"))
        #expect(throws: AgentError.self) { try AgentRuntime(agent, store: bench.store) }
    }
}
