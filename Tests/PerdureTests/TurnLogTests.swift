// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Testing

/// Fails with what it was given.
private struct Fail: Tool {
    struct Arguments: Codable { let text: String }
    struct Failure: Error { let text: String }
    let description = "Fails."
    let effect = ToolEffect.pure
    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        throw Failure(text: arguments.text)
    }
}

@Suite(.timeLimit(.minutes(2))) struct TurnLogTests {
    let root: TemporaryRoot
    let file: LogFile

    init() throws {
        root = try TemporaryRoot()
        file = try LogFile()
    }

    func runtime(_ server: ScriptedModelServer, key: String? = nil) throws -> AgentRuntime {
        let model = OpenAICompatibleModel(baseURL: server.url, model: "scripted", apiKey: key)
        let agent = Agent(name: "support", instructions: "You help. \(Self.marker)", model: model) {
            LookUpOrder()
            RefundOrder()
            Fail()
        }
        return try AgentRuntime(agent, store: SessionStore(root: root.path), logger: file.logger())
    }

    static let marker = "Xyzzy-4711"

    @Test func `each turn is one line with what it cost`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([
                .init(name: "look_up_order", arguments: #"{"number":7}"#),
                .init(name: "look_up_order", arguments: #"{"number":8}"#),
            ]),
            .text("Done."),
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":7,"amount":500}"#)]),
            .refuse(status: 401),
        ])
        let runtime = try runtime(server)
        for (id, session) in [("1", "a"), ("1", "a"), ("2", "a"), ("3", "b"), ("4", "/ no session")] {
            let request = AgentRequest(session: session, id: id, content: .message("Hello"))
            _ = try? await InvocationContext.$current.withValue(context(id: "invocation \(id)")) {
                try await runtime.respond(to: request)
            }
        }
        let records = try file.records()
        let shown = records.map { record in
            ["requestId", "level", "message", "outcome", "session", "modelCalls", "toolRuns", "failure"].map { key in
                record[key].map { $0.string ?? "\($0)" } ?? "-"
            }.joined(separator: " ")
        }
        #expect(
            shown == [
                "invocation 1 INFO turn completed completed a 2 2 -",
                "invocation 1 INFO turn completed completed a 0 0 -",
                "invocation 2 INFO turn awaiting awaiting a 1 0 -",
                "invocation 3 INFO turn failed failed b 1 0 Function.ModelFailed",
                "invocation 4 INFO turn failed failed - 0 0 Function.InvalidSession",
            ])
        for record in records { #expect((0..<60_000).contains(try #require(record["durationMs"]?.int))) }
        // The scripted model says what each answer consumes.
        #expect(records.map { ($0["inputTokens"]?.int ?? -1) > 0 } == [true, false, true, false, false])
        #expect(records.map { ($0["outputTokens"]?.int ?? -1) > 0 } == [true, false, true, false, false])
    }

    @Test func `tools that wait for their turn are counted, and tokens beyond all numbers stop nothing`() async throws {
        let calls = (0..<5).map { ToolCall(id: "\($0)", name: "look_up_order", arguments: #"{"number":7}"#) }
        let model = PlainModel { messages in
            let usage = TokenUsage(input: .max, output: .max, cachedInput: .min)
            if case .tool = messages.last { return ModelReply(text: "Done.", usage: usage) }
            return ModelReply(text: "", toolCalls: calls, usage: usage)
        }
        var agent = Agent(name: "support", instructions: "", model: model) { LookUpOrder() }
        agent.maximumParallelTools = 2
        agent.price = TokenPrice(input: 1, output: 1)
        let runtime = try AgentRuntime(agent, store: SessionStore(root: root.path), logger: file.logger())
        let response = try await runtime.respond(to: AgentRequest(session: "a", id: "1", content: .message("Hello")))
        #expect(response.outcome == .completed(reply: "Done."))
        let record = try #require(try file.records().first)
        #expect(record["toolRuns"]?.int == 5)
        #expect(record["inputTokens"]?.int == .max)
    }

    @Test func `no text of a conversation and no key gets into the log`() async throws {
        let arguments = #"{"text":"\#(Self.marker)"}"#
        let server = try ScriptedModelServer([
            // A turn that succeeds, with a tool that fails and one that is not understood.
            .toolCalls(
                [
                    .init(name: "fail", arguments: arguments), .init(name: "refund_order", arguments: arguments),
                    .init(name: Self.marker, arguments: arguments), .init(name: "fail", arguments: Self.marker),
                ], text: Self.marker),
            .text(Self.marker),
            // Models that fail.
            .refuse(status: 400, body: #"{"error":{"message":"\#(Self.marker)"}}"#),
            .raw("data: \(Self.marker)\n\n"),
            .whole(Self.marker),
            .breakOff,
        ])
        let runtime = try runtime(server, key: Self.marker)
        let handler = AgentHandler(runtime)
        for number in 0..<6 {
            let event: JSONValue = [
                "session": "a", "id": .init("\(number)"), "message": .init("\(number) \(Self.marker)"),
            ]
            _ = try? await handler.answer(event.bytes(), context: context())
        }
        // Events that are not understood, and a session that is refused.
        for event in [
            Self.marker, #"{"session":"a","message":["\#(Self.marker)"]}"#,
            #"{"session":"/ \#(Self.marker)","message":"m"}"#,
            #"{"session":"a","decisions":[{"call":"\#(Self.marker)"}]}"#,
            #"{"session":"a","decisions":[{"call":"9.0","approve":true,"reason":"\#(Self.marker)"}]}"#,
        ] {
            _ = try? await handler.answer(bytes(event), context: context())
        }
        let log = try file.text()
        #expect(server.requests.count >= 6)
        #expect(log.contains("turn completed") && log.contains("Function.ModelFailed"))
        #expect(log.contains("Function.InvalidSession") && log.contains("Function.NoSuchApproval"))
        #expect(!log.contains(Self.marker))
    }
}
