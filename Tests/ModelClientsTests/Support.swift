// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import ModelClients
import PerdureTesting
import Synchronization
import Testing

/// The pieces of text that a model passed on.
final class Transcript: Sendable {
    private let pieces = Mutex<[String]>([])
    var texts: [String] { pieces.withLock(\.self) }
    func add(_ text: String) { pieces.withLock { $0.append(text) } }
}

func model(_ server: ScriptedModelServer, apiKey: String? = nil) -> OpenAICompatibleModel {
    OpenAICompatibleModel(baseURL: server.url, model: "scripted", apiKey: apiKey)
}

let hello = ModelRequest(instructions: "Help.", messages: [.user("Hello?")])

/// Asks, and returns the reply or the error with the pieces of text.
func ask(
    _ server: ScriptedModelServer,
    _ request: ModelRequest = hello
) async -> (result: Result<ModelReply, ModelError>, texts: [String]) {
    let transcript = Transcript()
    do {
        return (.success(try await model(server).reply(to: request) { transcript.add($0) }), transcript.texts)
    } catch let error as ModelError {
        return (.failure(error), transcript.texts)
    } catch {
        Issue.record("not a model's error: \(error)")
        return (.failure(ModelError(.invalidResponse, "")), transcript.texts)
    }
}

extension Result {
    var error: Failure? { if case .failure(let error) = self { error } else { nil } }
}

/// Server-sent events, one a payload.
func events(_ payloads: String...) -> String { payloads.map { "data: \($0)\n\n" }.joined() }

/// Waits until a condition holds, up to half a minute.
func eventually(_ condition: @Sendable () -> Bool) async throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(30))
    while !condition() {
        try #require(ContinuousClock.now < limit, "the condition never came to hold")
        try await Task.sleep(for: .milliseconds(5))
    }
}
