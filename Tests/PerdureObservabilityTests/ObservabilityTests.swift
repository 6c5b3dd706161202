// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import CoreMetrics
import Foundation
import InMemoryTracing
import MetricsTestKit
import Perdure
import PerdureTesting
import Testing
import Tracing

@testable import PerdureObservability

/// Looks an order up, in a span of its own.
private struct LookUp: Tool {
    struct Arguments: Codable { let number: Int }
    let tracer: InMemoryTracer
    let description = "Looks up."
    let effect = ToolEffect.pure
    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        if arguments.number < 0 { throw ToolFailure() }
        return tracer.withSpan("inside") { _ in "on its way" }
    }
}

private struct ToolFailure: Error {}

@Suite(.timeLimit(.minutes(2))) struct ObservabilityTests {
    let metrics = TestMetrics()
    let tracer = InMemoryTracer()

    private func run(
        _ script: [ScriptedModelServer.Step], traceHeader: String? = nil, times: Int = 1, within time: Duration? = nil,
        below isSubagent: Bool = false
    ) async throws -> [FinishedInMemorySpan] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try ScriptedModelServer(script)
        let model = OpenAICompatibleModel(baseURL: server.url, model: "scripted")
        let observability = Observability(metrics: metrics, tracer: tracer)
        var agent = Agent(name: "support", instructions: "You help.", model: model) { LookUp(tracer: tracer) }
            .observed(by: observability)
        if isSubagent {
            let tool = agent.asTool(description: "Helps.")
            agent = Agent(name: "desk", instructions: "You ask.", model: model) { tool }.observed(by: observability)
        }
        let runtime = try AgentRuntime(agent, store: SessionStore(root: folder.path))
        let context = InvocationContext(
            requestID: "invocation-4711", deadline: Deadline(millisecondsSinceEpoch: wallClock() + 60_000),
            traceID: traceHeader)
        let request = AgentRequest(session: "session-4711", id: "request-4711", content: .message("text-4711"))
        await InvocationContext.$current.withValue(context) {
            for _ in 0..<times {
                _ = try? await runtime.respond(to: request, deadline: time.map { .now.advanced(by: $0) })
            }
        }
        return tracer.finishedSpans
    }

    static let withTools: [ScriptedModelServer.Step] = [
        .toolCalls([
            .init(name: "look_up", arguments: #"{"number":7}"#), .init(name: "look_up", arguments: #"{"number":-7}"#),
        ]),
        .text("It is on its way."),
    ]

    @Test func `a turn is a tree of spans, and those of a tool are within its own`() async throws {
        let spans = try await run(Self.withTools)
        let names = Dictionary(spans.map { ($0.spanID, $0.operationName) }) { $1 }
        let tree = spans.map { span in
            "\(names[span.parentSpanID ?? ""] ?? "-") / \(span.operationName)"
        }
        #expect(
            tree.sorted() == [
                "- / perdure.turn", "perdure.tool look_up / inside", "perdure.turn / perdure.commit",
                "perdure.turn / perdure.commit", "perdure.turn / perdure.commit", "perdure.turn / perdure.commit",
                "perdure.turn / perdure.commit", "perdure.turn / perdure.lease", "perdure.turn / perdure.model",
                "perdure.turn / perdure.model", "perdure.turn / perdure.tool look_up",
                "perdure.turn / perdure.tool look_up",
            ])
        let failed = spans.filter { $0.status?.code == .error }
        #expect(failed.map(\.operationName) == ["perdure.tool look_up"])
        #expect(Set(spans.map { $0.traceID }).count == 1)
    }

    @Test func `no text and no id gets into a span or a label`() async throws {
        let spans = try await run(Self.withTools + [.refuse(status: 401)], traceHeader: "Root=1-4711", times: 2)
        #expect(!spans.map { "\($0.operationName) \($0.attributes) \($0.events)" }.joined().contains("4711"))
        let labels = metrics.recorders.map { "\($0.label) \($0.dimensions)" }
        #expect(!labels.joined().contains("4711"))
    }

    @Test func `turns, calls, tools and tokens are counted and timed`() async throws {
        _ = try await run(Self.withTools, times: 3)
        let agent = ("agent", "support")
        let count = { (label: String, dimensions: [(String, String)]) in
            try metrics.expectCounter(label, [agent] + dimensions).totalValue
        }
        let times = { (label: String, dimensions: [(String, String)]) in
            try metrics.expectTimer(label, [agent] + dimensions).values.count
        }
        #expect(try count("perdure.turns", [("outcome", "completed")]) == 3)
        #expect(try count("perdure.replays", []) == 2)
        #expect(try count("perdure.model.calls", [("status", "ok")]) == 2)
        #expect(try count("perdure.tool.runs", [("tool", "look_up"), ("status", "succeeded")]) == 1)
        #expect(try count("perdure.tool.runs", [("tool", "look_up"), ("status", "failed")]) == 1)
        #expect(try times("perdure.turn.duration", [("outcome", "completed")]) == 3)
        #expect(try times("perdure.lease.wait", [("status", "ok")]) == 3)
        #expect(try times("perdure.commit.duration", [("status", "ok")]) == 5)
        #expect(try times("perdure.tool.duration", [("tool", "look_up"), ("status", "failed")]) == 1)
        #expect(try count("perdure.tokens.input", []) > 0)
        #expect(try count("perdure.tokens.output", []) > 0)
    }

    @Test func `a turn that fails says why`() async throws {
        let spans = try await run([.refuse(status: 401)])
        let turn = try #require(spans.first { $0.operationName == "perdure.turn" })
        #expect(turn.status?.code == .error && turn.status?.message == "Function.ModelFailed")
        #expect(
            try metrics.expectCounter("perdure.turns", [("agent", "support"), ("outcome", "failed")]).totalValue == 1)
        #expect(
            try metrics.expectCounter("perdure.model.calls", [("agent", "support"), ("status", "failed")]).totalValue
                == 1)
    }

    @Test func `a turn whose time is up, and that nobody goes on with, has failed`() async throws {
        let spans = try await run([.hang], within: .seconds(1))
        let turn = try #require(spans.first { $0.operationName == "perdure.turn" })
        #expect(turn.status?.message == "Function.DeadlineExceeded")
        #expect(
            try metrics.expectCounter("perdure.turns", [("agent", "support"), ("outcome", "failed")]).totalValue == 1)
    }

    @Test func `the turn of an agent that is a tool is counted, within the tool's span and trace`() async throws {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        let spans = try await run(
            [
                .toolCalls([.init(name: "support", arguments: #"{"message":"Where?"}"#)]), .text("Here."),
                .text("There."),
            ],
            traceHeader: header, below: true)
        let turns = spans.filter { $0.operationName == "perdure.turn" }
        let tool = try #require(spans.first { $0.operationName == "perdure.tool support" })
        #expect(turns.count == 2 && turns.contains { $0.parentSpanID == tool.spanID })
        #expect(tracer.performedContextExtractions.count == 1)
        for name in ["desk", "support"] {
            let counter = try metrics.expectCounter("perdure.turns", [("agent", name), ("outcome", "completed")])
            #expect(counter.totalValue == 1)
        }
    }

    @Test func `the tracer is told the trace that Lambda names`() async throws {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        _ = try await run([.text("Hi.")], traceHeader: header)
        let carriers = tracer.performedContextExtractions.compactMap { $0.carrier as? TraceCarrier }
        #expect(carriers.count == 1)
        #expect(carriers.first?["X-Amzn-Trace-Id"] == header)
        #expect(carriers.first?["traceparent"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
    }

    @Test(
        arguments: [
            "", "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=;Sampled=1", "Root=1-5759e988;Parent=53995c3f42cd8ad8",
            "Root=1-5759e98x-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "Parent=53995c3f42cd8ad8", ";;=;",
        ])
    func `a header that names no trace is none`(header: String) {
        #expect(TraceCarrier.traceParent(header) == nil)
    }

    @Test(arguments: ["", ";Sampled=", ";Sampled=?", ";Sampled=0", ";Sampled"])
    func `what is not said to be sampled is not`(end: String) {
        let header = "Self=1-1-1;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8\(end)"
        let expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"
        #expect(TraceCarrier.traceParent(header) == expected)
    }

    @Test func `a header with lineage and spaces names its trace, sampled or not`() {
        let header = "Root=1-5759E988-bd862e3fe1be46a994272793; Parent=53995c3f42cd8ad8; Sampled=0; Lineage=a:1"
        #expect(TraceCarrier.traceParent(header) == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00")
    }
}
