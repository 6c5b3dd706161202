// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import LambdaRuntimeAPI
import PerdureTesting
import SessionStore
import Testing

@testable import Perdure

@Suite(.timeLimit(.minutes(2))) struct EmbeddedMetricsTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    /// What a function writes to standard output for some turns of session `session-4711`.
    private func lines(_ script: [ScriptedModelServer.Step], ids: [String] = ["request-4711"]) async throws -> [String]
    {
        let path = bench.root.path + "/output"
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        let server = try ScriptedModelServer(script)
        let agent = Agent(
            name: "support", instructions: "", model: OpenAICompatibleModel(baseURL: server.url, model: "scripted")
        ) {
            LookUpOrder()
        }
        let metrics = EmbeddedMetrics(namespace: "Shop/Agents", descriptor: file.fileDescriptor)
        let runtime = try AgentRuntime(agent, store: bench.store, metrics: metrics)
        for id in ids {
            let request = AgentRequest(session: "session-4711", id: id, content: .message("text-4711"))
            _ = try? await InvocationContext.$current.withValue(context()) { try await runtime.respond(to: request) }
        }
        return try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
    }

    @Test func `each turn is one line that CloudWatch can read`() async throws {
        let lines = try await lines(
            StreamedTurnTests.withTool + [.refuse(status: 401)], ids: ["1", "1", "2"])
        #expect(lines.count == 4 && lines.last == "")
        let documents = try lines.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
        for document in documents { #expect(violations(of: document) == []) }
        let shown = documents.map { document in
            ["Outcome", "Turns", "Replays", "ModelCalls", "ToolRuns", "Commits"].map { key in
                document[key].map { $0.string ?? "\($0)" } ?? "-"
            }.joined(separator: " ")
        }
        #expect(shown == ["completed 1 0 2 1 4", "completed 1 1 0 0 0", "failed 1 0 1 0 2"])
        #expect(try #require(documents[0]["InputTokens"]?.int) > 0)
        #expect(documents.allSatisfy { $0["Agent"]?.string == "support" && $0["requestId"]?.string == "invocation" })
        #expect(lines.allSatisfy { $0.utf8.count < 2000 && !$0.contains("4711") })
    }

    @Test func `metrics and dimensions are named once and are worth their price`() async throws {
        let line = try #require(try await lines([.text("Hi.")]).first)
        let directives = try #require(
            try JSONValue(parsing: Array(line.utf8))["_aws"]?["CloudWatchMetrics"]?.array)
        let series = directives.flatMap { directive in
            (directive["Dimensions"]?.array ?? []).flatMap { set in
                (directive["Metrics"]?.array ?? []).map { "\(set) \($0["Name"]?.string ?? "")" }
            }
        }
        #expect(Set(series).count == series.count && series.count == 14)
        #expect(directives.allSatisfy { $0["Namespace"]?.string == "Shop/Agents" })
    }

    @Test(
        arguments: [
            (nil, nil), ("", nil), ("0", nil), ("1", "Perdure"), ("Shop", "Shop"),
        ] as [(String?, String?)])
    func `the environment switches it on and names it`(value: String?, namespace: String?) throws {
        let environment = RuntimeEnvironment(value.map { ["PERDURE_EMF": $0] } ?? [:])
        let document = try EmbeddedMetrics(environment)?.document("completed", TurnTally(), agent: "a", at: 1)
        let found = document?["_aws"]?["CloudWatchMetrics"]?.array?.first?["Namespace"]?.string
        #expect(found == namespace)
    }

    @Test(arguments: ["Shop/A-b_c.d #1:2", String(repeating: "n", count: 255)])
    func `a namespace of CloudWatch is taken as it is`(name: String) throws {
        let document = try EmbeddedMetrics(RuntimeEnvironment(["PERDURE_EMF": name]))?
            .document("completed", TurnTally(), agent: "a", at: 1)
        #expect(document?["_aws"]?["CloudWatchMetrics"]?[0]?["Namespace"]?.string == name)
        #expect(document.map { violations(of: $0) } == [])
    }

    @Test(arguments: [" ", ":Shop", "Shop\nAgents", "Läden", "a,b", String(repeating: "n", count: 256)])
    func `what CloudWatch takes for no namespace is told at the start`(name: String) throws {
        let variables = ["PERDURE_EMF": name, "PERDURE_ROOT": bench.root.path]
        let agent = Agent(name: "a", instructions: "", model: WorkflowModel())
        let error = #expect(throws: InvocationError.self) {
            try AgentHandler(agent, environment: RuntimeEnvironment(variables))
        }
        #expect(error?.type == "Function.InvalidConfiguration")
    }

    @Test func `what is not as specified is noticed`() throws {
        let good = EmbeddedMetrics(namespace: "N").document("completed", TurnTally(), agent: "a", at: 1)
        #expect(violations(of: good) == [])
        var root = try #require(good.object)
        root["Turns"] = "one"
        #expect(violations(of: .object(root)).contains("the metric Turns is no number"))
        root = good.object ?? [:]
        root["Agent"] = nil
        #expect(violations(of: .object(root)).contains("the dimension Agent is no text"))
    }
}

/// What is wrong with a document by the "Specification: Embedded metric format" of CloudWatch's manual.
private func violations(of document: JSONValue) -> [String] {
    var wrong: [String] = []
    guard let metadata = document["_aws"]?.object, document.object != nil else { return ["there is no object _aws"] }
    if metadata.map(\.key).sorted() != ["CloudWatchMetrics", "Timestamp"] { wrong.append("_aws has other members") }
    if (metadata["Timestamp"]?.int ?? -1) < 0 { wrong.append("Timestamp is no number of milliseconds") }
    for directive in metadata["CloudWatchMetrics"]?.array ?? [] {
        if directive.object?.map(\.key).sorted() != ["Dimensions", "Metrics", "Namespace"] {
            wrong.append("a directive has other members")
        }
        if !(1...255).contains(directive["Namespace"]?.string?.utf8.count ?? 0) { wrong.append("Namespace") }
        for set in directive["Dimensions"]?.array ?? [] {
            if (set.array?.count ?? 31) > 30 { wrong.append("a set has more than 30 dimensions") }
            for name in set.array ?? [] {
                let value = document[name.string ?? ""]?.string?.utf8.count ?? 0
                if !(1...1024).contains(value) { wrong.append("the dimension \(name.string ?? "") is no text") }
            }
        }
        let metrics = directive["Metrics"]?.array ?? []
        if !(1...100).contains(metrics.count) { wrong.append("\(metrics.count) metrics") }
        for metric in metrics {
            let name = metric["Name"]?.string ?? ""
            if metric.object?.map(\.key).sorted() != ["Name", "Unit"] { wrong.append("\(name) has other members") }
            if !["Count", "Milliseconds"].contains(metric["Unit"]?.string) { wrong.append("the unit of \(name)") }
            if document[name]?.int == nil { wrong.append("the metric \(name) is no number") }
        }
    }
    return wrong
}
