// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// Something that waits until a test opens it.
final class Barrier: Sendable {
    private let state = Mutex((isReached: false, isOpen: false))

    var isReached: Bool { state.withLock(\.isReached) }
    private var isOpen: Bool { state.withLock(\.isOpen) }

    func open() { state.withLock { $0.isOpen = true } }

    /// Waits; throws when the task is cancelled.
    func pass() async throws {
        state.withLock { $0.isReached = true }
        while !isOpen { try await Task.sleep(for: .milliseconds(2)) }
    }

    /// For a scripted server, whose threads may wait.
    func block() {
        state.withLock { $0.isReached = true }
        while !isOpen { Thread.sleep(forTimeInterval: 0.002) }
    }
}

/// A tool that waits at a gate.
struct Gatekeeper: Tool {
    struct Arguments: Codable {}
    let name = "gatekeeper"
    let description = "Waits."
    var effect = ToolEffect.once
    let gate: Barrier

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        try await gate.pass()
        return "passed"
    }
}

extension Bench {
    /// A runtime on a store of its own, as another sandbox has.
    func sandbox(
        _ server: ScriptedModelServer, whenBusy policy: BusyPolicy, wakes: Wakes? = nil, tools: [any Tool] = []
    ) throws -> AgentRuntime {
        var agent = Agent(
            name: "support", instructions: "You help.",
            model: OpenAICompatibleModel(baseURL: server.url, model: "scripted")
        ) {
            for tool in tools { tool }
        }
        agent.whenBusy = policy
        return try AgentRuntime(agent, store: SessionStore(root: root.path, warmSessions: 0), wakes: wakes)
    }

    /// The bytes that are in the inbox of session `a`; nil when there is none.
    func inboxSize() throws -> Int? {
        guard let name = try files().first(where: { $0.hasSuffix("/s.db-inbox") }) else { return nil }
        return try Data(contentsOf: URL(fileURLWithPath: "\(root.path)/\(name)")).count
    }

    /// The requests in the order of the log.
    func requests() throws -> [String] {
        try log().compactMap { if case .input(let request, _) = $0.fact { request } else { nil } }
    }
}

extension AgentRuntime {
    /// What a request of session `a` comes to.
    func outcome(
        _ content: AgentRequest.Content, id: String, within time: Duration = .seconds(60)
    ) async throws(AgentError) -> Outcome {
        let request = AgentRequest(session: "a", id: id, content: content)
        return try await respond(to: request, deadline: .now.advanced(by: time)).outcome
    }

    func ask(_ text: String, id: String, within time: Duration = .seconds(60)) async throws(AgentError) -> Outcome {
        try await outcome(.message(text), id: id, within: time)
    }

    func callOff(id: String, reason: String? = nil) async throws(AgentError) -> Outcome {
        try await outcome(.cancel(reason: reason), id: id)
    }
}
