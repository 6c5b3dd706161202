// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Perdure
import PerdureTesting
import SQLiteDriver
import SessionStore
import Synchronization
import Testing

/// The memory as a model uses it, over the wire.
@Suite(.timeLimit(.minutes(3)), .serialized) struct MemoryToolTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    static func call(_ arguments: JSONValue, name: String = "memory") -> ScriptedModelServer.ScriptedCall {
        .init(name: name, arguments: arguments.description)
    }

    static func create(_ path: String, _ text: String) -> ScriptedModelServer.ScriptedCall {
        call(["command": "create", "path": .init("/memories/\(path)"), "file_text": .init(text)])
    }

    static func view(_ path: String) -> ScriptedModelServer.ScriptedCall {
        call(["command": "view", "path": .init("/memories/\(path)")])
    }

    /// Each run of it would add a line.
    static let insert = call(["command": "insert", "path": "/memories/log", "insert_line": 0, "insert_text": "once"])

    /// The texts in a memory, by their paths.
    func memories(of session: SessionID? = nil) throws -> [String: String] {
        let id = try session ?? SessionID("a")
        let leased = try bench.store.leaseExisting(id, of: AgentName("support"), until: .now)
        var texts: [String: String] = [:]
        for entry in try leased.memories() { texts[entry.path.rawValue] = try leased.memoryText(at: entry.path) }
        try leased.release()
        return texts
    }

    func uses(of path: String, in session: SessionID? = nil) throws -> Int? {
        let id = try session ?? SessionID("a")
        let leased = try bench.store.leaseExisting(id, of: AgentName("support"), until: .now)
        let entry = try leased.memory(at: MemoryPath(path))
        try leased.release()
        return entry?.uses
    }

    /// What the tools answered, in the requests of the model.
    func results(_ server: ScriptedModelServer) throws -> [String] {
        try server.messages(server.requests.count - 1).filter { $0.hasPrefix("tool: ") }.map { String($0.dropFirst(6)) }
    }

    @Test(arguments: [MemoryScope.session, .sharedByAgent])
    func `what the model writes down it finds again`(_ scope: MemoryScope) async throws {
        let server = try ScriptedModelServer([
            .toolCalls([Self.create("people/ada.txt", "Ada drinks tea.\n")]),
            .toolCalls([
                Self.call([
                    "command": "str_replace", "path": "/memories/people/ada.txt", "old_str": "tea", "new_str": "coffee",
                ])
            ]),
            .toolCalls([Self.view("people/ada.txt"), Self.call(["query": "coffee ada"], name: "search_memory")]),
            .toolCalls([Self.call(["query": "nothing"], name: "search_memory"), Self.view("none")]),
            .text("Done."),
        ])
        let runtime = try bench.runtime(server, tools: [MemoryTool(scope), SearchMemory(scope)])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(
            try results(server) == [
                "File created successfully at: /memories/people/ada.txt",
                "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
                    + "     1\tAda drinks coffee.\n     2\t",
                "Here's the content of /memories/people/ada.txt with line numbers:\n     1\tAda drinks coffee.\n     2\t",
                "/memories/people/ada.txt\nAda drinks coffee.\n",
                "No file in /memories matches.",
                "The path /memories/none does not exist. Please provide a valid path.",
            ])
        let id = scope == .session ? try SessionID("a") : .sharedMemory
        #expect(try memories(of: id) == ["people/ada.txt": "Ada drinks coffee.\n"])
        #expect(try uses(of: "people/ada.txt", in: id) == 3)
        // In the session's own memory each change is a step in the log, and nothing else is.
        #expect(try bench.log().count { $0.kind == .step } == (scope == .session ? 2 : 0))
        let tool = try #require(server.requests[0]["tools"]?.array?.first?["function"])
        #expect(tool["name"] == "memory" && tool["parameters"]?["required"] == ["command"])
        #expect(tool["parameters"]?["properties"]?["command"]?["enum"]?.array?.count == 6)
    }

    @Test(arguments: [MemoryScope.session, .sharedByAgent])
    func `commands of one reply take effect in its order`(_ scope: MemoryScope) async throws {
        let lines = (1...8).map { number in
            Self.call([
                "command": "insert", "path": "/memories/log", "insert_line": 0, "insert_text": .init("line \(number)"),
            ])
        }
        let server = try ScriptedModelServer([
            .toolCalls(
                [Self.create("log", "")] + lines + [Self.call(["query": "line 8"], name: "search_memory")]
                    + [Self.view("log")]),
            .text("Done."),
        ])
        let runtime = try bench.runtime(server, tools: [MemoryTool(scope), SearchMemory(scope)])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        let text = (1...8).reversed().map { "line \($0)\n" }.joined()
        #expect(try memories(of: scope == .session ? nil : .sharedMemory) == ["log": text])
        let results = try results(server)
        #expect(results.count == 11 && results[0] == "File created successfully at: /memories/log")
        #expect(results[9].hasPrefix("/memories/log\nline 8"))
        #expect(results[10].contains("     1\tline 8\n"))
    }

    /// Every operation on the files of a turn fails in one of the runs, those on the shared file as well: before, in and
    /// behind the commit of the change. The next delivery of the request goes on.
    @Test(arguments: [MemoryScope.session, .sharedByAgent])
    func `a change takes effect once, wherever its turn breaks off`(_ scope: MemoryScope) async throws {
        var number = 0
        var (breaks, reruns) = (0, 0)
        while true {
            number += 1
            let bench = try Bench()
            let id = scope == .session ? try SessionID("a") : .sharedMemory
            var seeded = try bench.store.lease(id, of: AgentName("support"), attempt: "seed", until: .now)
            try seeded.change(.write(MemoryPath("log"), text: "zero\n"))
            try seeded.release()
            let server = try ScriptedModelServer { number, request in
                request["messages"]?.array?.last?["role"] == "tool" ? .text("Done.") : .toolCalls([Self.insert])
            }
            let runtime = try bench.runtime(server, tools: [MemoryTool(scope)])
            var plan = FaultPlan(.fail(5), number: number)
            plan.folder = bench.store.root
            let request = AgentRequest(session: "a", id: "1", content: .message("Hello"))
            plan.set()
            let first = try? await runtime.respond(to: request).outcome
            FaultPlan.clear()
            let seen = FaultPlan.seen
            if first == nil { breaks += 1 }
            let second = try await runtime.respond(to: request).outcome
            #expect(second == .completed(reply: "Done."), "operation \(number)")
            let leased = try bench.store.leaseExisting(id, of: AgentName("support"), until: .now)
            #expect(try leased.memoryText(at: MemoryPath("log")) == "once\nzero\n", "operation \(number)")
            try leased.release()
            if try bench.log().contains(where: { $0.isSecondClaim }) { reruns += 1 }
            // There were fewer operations than that: nothing failed.
            if number > seen { break }
        }
        // Each of the five commits is a write and a sync; and a call was run again when only its result was missing.
        #expect(breaks >= 10 && reruns >= 2)
    }

    @Test func `a change whose call has no result yet is not made again`() async throws {
        // What a process leaves that is killed between the two commits.
        let (agent, id) = (try AgentName("support"), try SessionID("a"))
        let position = CallPosition(reply: 1, index: 0)
        let calls = [ToolCall(id: "c", name: "memory", arguments: Self.insert.arguments)]
        var leased = try bench.store.lease(id, of: agent, attempt: "1", until: .now)
        try leased.append([
            Entry(turn: 1, fact: .input(request: "1", text: "Hello")),
            Entry(turn: 1, fact: .reply(ModelReply(text: "", toolCalls: calls, finishReason: "tool_calls"))),
            Entry(turn: 1, fact: .claim(position, tool: "memory", effect: .idempotent, attempt: 1)),
        ])
        try leased.change(
            .write(MemoryPath("log"), text: "once\n"),
            recording: [Entry(turn: 1, fact: .step(position, name: "memory", value: "as answered then"))])
        try leased.release()
        let server = try ScriptedModelServer([.text("Done.")])
        #expect(
            try await bench.ask(bench.runtime(server, tools: [MemoryTool()])).get() == .completed(reply: "Done."))
        #expect(try results(server) == ["as answered then"])
        #expect(try memories() == ["log": "once\n"])
    }

    @Test func `a tool that writes down and then fails is repeated, and has written it down once`() async throws {
        let server = try ScriptedModelServer([.toolCalls([Self.insert]), .text("Done.")])
        var seeded = try bench.store.lease(SessionID("a"), of: AgentName("support"), attempt: "seed", until: .now)
        try seeded.change(.write(MemoryPath("log"), text: "zero\n"))
        try seeded.release()
        let runtime = try bench.runtime(server, tools: [Forgetful()])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(try results(server) == ["The file /memories/log has been edited."])
        #expect(try memories() == ["log": "once\nzero\n"])
        #expect(try bench.log().count { $0.kind == .step } == 1)
    }

    @Test func `what one session learns another one knows`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([Self.create("policy", "30 days")]), .text("Noted."), .toolCalls([Self.view("policy")]),
            .text("30 days."),
        ])
        let runtime = try bench.runtime(server, tools: [MemoryTool(.sharedByAgent)])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Noted."))
        let other = AgentRequest(session: "b", id: "1", content: .message("Hello"))
        #expect(try await runtime.respond(to: other).outcome == .completed(reply: "30 days."))
        #expect(try results(server).last?.hasSuffix("     1\t30 days") == true)
        #expect(try bench.leftovers() == [])
    }

    @Test func `sessions of several processes write to one memory, and lose nothing`() async throws {
        let agents = 4
        let path = bench.root.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...agents {
                // On a store of its own, as another process is.
                let server = try ScriptedModelServer([
                    .toolCalls((1...3).map { Self.create("\(number)/\($0)", "text") }), .text("Done."),
                ])
                let model = OpenAICompatibleModel(baseURL: server.url, model: "scripted")
                let agent = Agent(name: "support", instructions: "", model: model) { MemoryTool(.sharedByAgent) }
                let runtime = try AgentRuntime(agent, store: SessionStore(root: path))
                group.addTask {
                    let request = AgentRequest(session: "s\(number)", id: "1", content: .message("Hello"))
                    let response = try await runtime.respond(to: request, deadline: .now.advanced(by: .seconds(60)))
                    #expect(response.outcome == .completed(reply: "Done."))
                    withExtendedLifetime(server) {}
                }
            }
            try await group.waitForAll()
        }
        #expect(try memories(of: .sharedMemory).count == agents * 3)
    }

    @Test func `a shared memory that stays in use ends the invocation in time, and the turn goes on later`()
        async throws
    {
        let server = try ScriptedModelServer { _, request in
            request["messages"]?.array?.last?["role"]?.string == "tool"
                ? .text("Done.") : .toolCalls([Self.create("a", "1")])
        }
        let runtime = try bench.runtime(server, tools: [MemoryTool(.sharedByAgent)])
        let held = try bench.store.lease(.sharedMemory, of: AgentName("support"), attempt: "test", until: .now)
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        let request = AgentRequest(session: "a", id: "1", content: .message("Hello"))
        _ = try? await runtime.respond(to: request, deadline: deadline)
        #expect(ContinuousClock.now < deadline + Bench.lateness)
        try held.release()
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        // Where it gave up just before the time was up, the model was told so.
        if try results(server).last?.contains("in use by other sessions") != true {
            #expect(try memories(of: .sharedMemory) == ["a": "1"])
        }
    }

    @Test func `a session that was restored from a backup does what it does now, and not what it has lost`()
        async throws
    {
        let server = try ScriptedModelServer([
            .toolCalls([Self.create("lost", "1")]), .text("Done."), .toolCalls([Self.create("kept", "2")]),
            .text("Done."),
        ])
        let runtime = try bench.runtime(server, tools: [MemoryTool(.sharedByAgent)])
        let (id, agent) = (try SessionID("a"), try AgentName("support"))
        var leased = try bench.store.lease(id, of: agent, attempt: "1", until: .now)
        try leased.append(
            [
                Entry(turn: 1, fact: .input(request: "0", text: "Hi")),
                Entry(turn: 1, fact: .reply(ModelReply(text: "Hi."))),
            ],
            outcome: .completed(reply: "Hi."))
        let backup = try leased.archive()
        try leased.release()
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        try bench.store.erase(id, of: agent, until: .now)
        try bench.store.create(id, of: agent, from: backup, until: .now)
        #expect(try await bench.ask(runtime, id: "2").get() == .completed(reply: "Done."))
        #expect(try memories(of: .sharedMemory) == ["lost": "1", "kept": "2"])
    }

    @Test func `a tool outside of a session has no memory`() async throws {
        let arguments = try JSONValueDecoder().decode(
            MemoryTool.Arguments.self, from: ["command": "view", "path": "/memories"])
        let context = ToolContext(session: "s", idempotencyKey: "k")
        await #expect(throws: (any Error).self) {
            try await MemoryTool().call(arguments: arguments, context: context)
        }
    }
}

/// A tool around the memory's, which fails once behind the change.
private final class Forgetful: Tool {
    let name = "memory"
    let description = "Remembers."
    let retries = RetryPolicy.exponential(base: .milliseconds(1))
    private let runs = Mutex(0)
    struct Forgot: Error {}

    func call(arguments: MemoryTool.Arguments, context: ToolContext) async throws -> String {
        let answer = try await MemoryTool().call(arguments: arguments, context: context)
        guard
            runs.withLock({
                $0 += 1; return $0 > 1
            })
        else { throw Forgot() }
        return answer
    }

    func parameters() -> JSONValue { MemoryTool().parameters() }
    var effect: ToolEffect { .idempotent }
}

extension Entry {
    fileprivate var isSecondClaim: Bool { if case .claim(_, _, _, attempt: 2) = fact { true } else { false } }
}
