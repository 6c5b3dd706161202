// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SessionStore

/// What comes in while the turn runs: messages that join it, and a request to call it off.
extension TurnRunner {
    /// What is to be done instead of a step, because of what came in meanwhile.
    mutating func attend(before step: Step) async throws -> [Effect]? {
        let mailbox = surroundings.mailbox
        guard case .callModel = step else { return try await calledOff() }
        try await mailbox.look()
        if let effects = try await calledOff() { return effects }
        if let message = try await mailbox.takeSteering(),
            case .message(let text) = message.content
        {
            return try decide(.steer(request: message.id, text: text))
        }
        return nil
    }

    /// What calls the turn off, if somebody asked for it.
    private mutating func calledOff() async throws -> [Effect]? {
        let mailbox = surroundings.mailbox
        guard let event = mailbox.cancellation else { return nil }
        try await callOffSubagents(before: event)
        let effects = try decide(event)
        mailbox.dropCancellation()
        return effects
    }

    /// What became of a step that was watched.
    private enum Watched: Sendable {
        case ended(TurnRunner, Result<[Effect], any Error>)
        case watchEnded(isCalledOff: Bool)
    }

    /// Does a step, and cancels it when the turn is called off meanwhile.
    mutating func watched(
        _ step: @escaping @Sendable (inout TurnRunner) async throws -> [Effect]
    ) async throws -> [Effect] {
        let (start, mailbox) = (self, surroundings.mailbox)
        return try await withThrowingTaskGroup(of: Watched.self) { group in
            group.addTask {
                var runner = start
                do {
                    let effects = try await step(&runner)
                    return .ended(runner, .success(effects))
                } catch {
                    return .ended(runner, .failure(error))
                }
            }
            group.addTask { .watchEnded(isCalledOff: await mailbox.watch()) }
            defer { group.cancelAll() }
            for try await end in group {
                switch end {
                case .watchEnded(let isCalledOff):
                    if isCalledOff { group.cancelAll() }
                case .ended(let runner, .success(let effects)):
                    self = runner
                    // It may have ended without heeding that it was cancelled. What it came to is kept.
                    guard !Task.isCancelled, effects.arePutOff, let end = try? await calledOff() else { return effects }
                    return effects.filter { if case .finish = $0 { false } else { true } } + end
                case .ended(let runner, .failure(let error)):
                    self = runner
                    if !(error is SessionStoreError), !Task.isCancelled, let effects = try? await calledOff() {
                        return effects
                    }
                    throw error
                }
            }
            throw CancellationError()
        }
    }
}

extension [Effect] {
    /// Whether the turn goes on after them, in another attempt.
    fileprivate var arePutOff: Bool {
        switch last {
        case .finish(.continuing), .finish(.suspended): true
        default: false
        }
    }
}
