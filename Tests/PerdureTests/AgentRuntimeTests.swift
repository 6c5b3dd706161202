// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Logging
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// A folder that exists for one test.
final class TemporaryRoot: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct LookUpOrder: Tool {
    struct Arguments: Codable { let number: Int }
    struct Order: Codable {
        let number: Int
        let state: String
    }
    let description = "Looks up an order by its number."
    let effect = ToolEffect.pure

    func call(arguments: Arguments, context: ToolContext) async throws -> Order {
        Order(number: arguments.number, state: "shipped")
    }
}

/// Records what it did; asks for approval above 100.
final class RefundOrder: Tool {
    struct Arguments: Codable {
        let number: Int
        let amount: Int
    }
    let description = "Refunds an amount in euro."
    private let ran = Mutex<[String]>([])
    var runs: Int { ran.withLock(\.count) }

    func approval(for arguments: Arguments) -> ApprovalRequirement {
        arguments.amount > 100 ? .required(reason: "refunds above 100 euro need a person's approval") : .notRequired
    }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        ran.withLock { $0.append(context.idempotencyKey) }
        return "refunded \(arguments.amount)"
    }
}

@Suite struct AgentRuntimeTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    func runtime(_ server: ScriptedModelServer, tools: [any Tool] = []) throws -> AgentRuntime {
        let agent = Agent(
            name: "support",
            instructions: "You help.",
            model: OpenAICompatibleModel(baseURL: server.url, model: "scripted")
        ) {
            for tool in tools { tool }
        }
        return try AgentRuntime(agent, store: SessionStore(root: root.path))
    }

    func message(_ text: String, id: String, session: String = "a") -> AgentRequest {
        AgentRequest(session: session, id: id, content: .message(text))
    }

    @Test func `the second request to the model carries the first exchange`() async throws {
        let server = try ScriptedModelServer([.text("Noted."), .text("It is teal.")])
        _ = try await runtime(server).respond(to: message("My favourite colour is teal.", id: "1"))
        let second = try await runtime(server).respond(to: message("Which colour is my favourite?", id: "2"))
        #expect(second.outcome == .completed(reply: "It is teal."))
        let messages = try #require(server.requests[1]["messages"]?.array)
        #expect(messages.map { $0["role"]?.string } == ["system", "user", "assistant", "user"])
        #expect(messages.map { $0["content"]?.string }[1...2] == ["My favourite colour is teal.", "Noted."])
    }

    @Test func `a request id that was answered is answered again without the model`() async throws {
        let server = try ScriptedModelServer([.text("Hello.")])
        let first = try await runtime(server).respond(to: message("Hi", id: "same"))
        let second = try await runtime(server).respond(to: message("Hi", id: "same"))
        #expect(first == second)
        #expect(server.requests.count == 1)
    }

    @Test func `tools run and the model is told their results`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([
                .init(name: "look_up_order", arguments: #"{"number":7}"#),
                .init(name: "refund_order", arguments: #"{"number":7,"amount":20}"#),
            ]),
            .text("Done."),
        ])
        let refund = RefundOrder()
        let response = try await runtime(server, tools: [LookUpOrder(), refund])
            .respond(to: message("Refund 7", id: "1"))
        #expect(response.outcome == .completed(reply: "Done."))
        #expect(refund.runs == 1)
        let messages = try #require(server.requests[1]["messages"]?.array)
        #expect(messages.map { $0["role"]?.string } == ["system", "user", "assistant", "tool", "tool"])
        #expect(messages[3]["content"]?.string == #"{"number":7,"state":"shipped"}"#)
        #expect(messages[4]["content"]?.string == "refunded 20")
    }

    @Test func `an approved call runs once and a rejected one never`() async throws {
        let server = try ScriptedModelServer([
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":7,"amount":500}"#)]),
            .text("Refunded."),
            .toolCalls([.init(name: "refund_order", arguments: #"{"number":8,"amount":900}"#)]),
            .text("Not refunded."),
        ])
        let refund = RefundOrder()
        let runtime = try runtime(server, tools: [refund])
        let awaiting = try await runtime.respond(to: message("Refund 7", id: "1"))
        guard case .awaiting(let approvals) = awaiting.outcome else {
            Issue.record("expected a wait for an approval")
            return
        }
        #expect(refund.runs == 0)
        let approve = Verdict(position: approvals[0].position, isApproved: true)
        let decision = AgentRequest(session: "a", id: "2", content: .decisions([approve]))
        #expect(try await runtime.respond(to: decision).outcome == .completed(reply: "Refunded."))
        #expect(refund.runs == 1)
        await #expect(throws: AgentError.self) {
            try await runtime.respond(to: AgentRequest(session: "a", id: "3", content: .decisions([approve])))
        }

        guard case .awaiting(let more) = try await runtime.respond(to: message("And 8", id: "4")).outcome else {
            Issue.record("expected a wait for an approval")
            return
        }
        let reject = Verdict(position: more[0].position, isApproved: false, reason: "too much")
        let rejection = AgentRequest(session: "a", id: "5", content: .decisions([reject]))
        #expect(try await runtime.respond(to: rejection).outcome == .completed(reply: "Not refunded."))
        #expect(refund.runs == 1)
        #expect(server.requests[3]["messages"]?.array?.last?["content"]?.string?.contains("too much") == true)
    }
}
