// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// Plays the world for a loop: keeps the log, and answers nothing by itself.
struct Harness {
    var loop: AgentLoop
    var log: [Entry] = []
    var outcomes: [Outcome] = []

    static let tools = [
        ToolSpecification(name: "read", description: "", parameters: [:], effect: .pure),
        ToolSpecification(name: "set", description: "", parameters: [:], effect: .idempotent),
        ToolSpecification(name: "pay", description: "", parameters: [:], effect: .once),
        ToolSpecification(name: "ask", description: "", parameters: [:], effect: .once) { _ in
            .required(reason: "costly")
        },
        ToolSpecification(name: "urgent", description: "", parameters: [:], effect: .once) { _ in
            .required(reason: "now", within: .seconds(60))
        },
    ]

    init(maximumModelCalls: Int = 16, keepingOrder ordered: Set<String> = []) {
        let tools = Self.tools.map { tool in
            var tool = tool
            tool.keepsOrder = ordered.contains(tool.name)
            return tool
        }
        loop = AgentLoop(
            .init(
                sessionIdentity: "s",
                instructions: "Help.",
                tools: tools,
                maximumModelCalls: maximumModelCalls
            )
        )
    }

    /// Feeds an event, makes its commits, and returns what else is to be done.
    mutating func send(_ event: Event) throws -> [Effect] {
        try loop.handle(event).filter { effect in
            guard case .commit(let entries, let outcome) = effect else { return true }
            log += entries
            if let outcome { outcomes.append(outcome) }
            return false
        }
    }

    /// Starts over from the log, as after a crash.
    mutating func restart() throws {
        var fresh = AgentLoop(loop.definition)
        for entry in log { try fresh.replay(entry) }
        loop = fresh
    }
}

extension [Effect] {
    var runs: [ToolRun] {
        compactMap { if case .runTool(let run) = $0 { run } else { nil } }
    }

    var request: ModelRequest? {
        if case .callModel(let request) = last { request } else { nil }
    }

    var outcome: Outcome? {
        if case .finish(let outcome) = last { outcome } else { nil }
    }
}

func calling(_ names: String...) -> Event {
    .modelReplied(
        ModelReply(text: "", toolCalls: names.map { ToolCall(id: "id-\($0)", name: $0, arguments: "{}") })
    )
}

func answer(_ text: String) -> Event { .modelReplied(ModelReply(text: text)) }

let done = ToolResult(status: .succeeded, content: "done")
let hello = Event.input(request: "1", text: "hello")

@Suite struct AgentLoopTests {
    @Test func `a message is recorded, then the model is asked, then the answer ends the turn`() throws {
        var harness = Harness()
        let asked = try harness.send(hello)
        #expect(asked.request?.messages == [.user("hello")])
        #expect(try harness.send(answer("hi")).outcome == .completed(reply: "hi"))
        #expect(harness.log.map(\.kind) == [.input, .reply])
        #expect(harness.outcomes == [.completed(reply: "hi")])
    }

    @Test func `the model is told all results in the order of its calls`() throws {
        var harness = Harness()
        _ = try harness.send(hello)
        let runs = try harness.send(calling("read", "pay")).runs
        #expect(runs.map(\.tool) == ["read", "pay"])
        #expect(try harness.send(.toolFinished(runs[1].position, done)).isEmpty)
        let request = try harness.send(.toolFinished(runs[0].position, done)).request
        let calls = ["read", "pay"].map { ToolCall(id: "id-\($0)", name: $0, arguments: "{}") }
        #expect(
            request?.messages == [
                .user("hello"), .assistant(ModelReply(text: "", toolCalls: calls)),
                .tool(call: calls[0], content: "done"), .tool(call: calls[1], content: "done"),
            ])
    }

    @Test func `calls of tools that keep order run one after the other, beside the rest`() throws {
        var harness = Harness(keepingOrder: ["set", "pay"])
        _ = try harness.send(hello)
        let first = try harness.send(calling("set", "read", "pay", "set")).runs
        #expect(first.map(\.position.index) == [0, 1])
        // What comes next is claimed in the commit of the result before it.
        let next = try harness.send(.toolFinished(first[0].position, done)).runs
        #expect(next.map(\.position.index) == [2])
        #expect(harness.log.map(\.kind) == [.input, .reply, .claim, .result, .claim])
        #expect(try harness.send(.toolFinished(first[1].position, done)).isEmpty)
        let last = try harness.send(.toolFinished(next[0].position, done)).runs
        #expect(last.map(\.position.index) == [3])
        // A crash leaves one that may have taken effect.
        try harness.restart()
        #expect(try harness.send(.resume).runs.map(\.position.index) == [3])
        #expect(try harness.send(.toolFinished(last[0].position, done)).request != nil)
    }

    @Test func `a reply from a cache counts as an answer, and not as spent`() throws {
        var harness = Harness(maximumModelCalls: 2)
        _ = try harness.send(hello)
        var reply = ModelReply(
            text: "", toolCalls: [ToolCall(id: "a", name: "read", arguments: "{}")], usage: TokenUsage(),
            isFromCache: true)
        let runs = try harness.send(.modelReplied(reply)).runs
        #expect(harness.loop.history.spent == Spending() && harness.loop.history.spentInTurn == Spending())
        let request = try harness.send(.toolFinished(runs[0].position, done)).request
        #expect(request?.allowsToolCalls == false)
        reply = ModelReply(text: "hi", usage: TokenUsage(input: 3))
        #expect(try harness.send(.modelReplied(reply)).outcome == .completed(reply: "hi"))
        #expect(harness.loop.history.spent.modelCalls == 1 && harness.loop.history.spent.input == 3)
    }
}
