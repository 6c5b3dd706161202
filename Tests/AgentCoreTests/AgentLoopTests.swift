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

    init(maximumModelCalls: Int = 16) {
        loop = AgentLoop(
            .init(
                sessionIdentity: "s",
                instructions: "Help.",
                tools: Self.tools,
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
}
