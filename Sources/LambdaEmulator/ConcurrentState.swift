// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The state of a sandbox that runs several invocations at once: one small machine per invocation.
///
///     running ──/response, /error──▶ responding ──its end──▶ forgotten (400 from now on)
///        └──────────────deadline─────────┴──▶ timedOut ──late answer: 410──▶ forgotten
///
/// A `/next` says nothing about the invocations: the workers of a runtime are not told apart.
struct ConcurrentState: RuntimeState, Equatable {
    enum Stage: Equatable, Sendable {
        case running, responding, timedOut
    }

    private struct Invocation: Equatable, Sendable {
        var attempt: SandboxState.Attempt
        var stage: Stage
    }

    /// `starting`, `idle` once a worker has polled, `initFailed` or `ended`.
    private(set) var phase = SandboxState.Phase.starting
    /// Oldest first.
    private var invocations: [Invocation] = []

    var isReady: Bool { phase == .idle }

    /// How far an invocation is; nil before its delivery and after its end.
    func stage(of attempt: SandboxState.Attempt) -> Stage? {
        invocations.first { $0.attempt == attempt }?.stage
    }

    mutating func next() throws(RuntimeAPIError) -> SandboxState.NextStep {
        switch phase {
        case .starting:
            phase = .idle
            return .initialized
        case .idle: return .idleAgain
        default: throw .invalidTransition(from: phase, to: "Ready")
        }
    }

    mutating func begin(_ attempt: SandboxState.Attempt) -> Bool {
        guard isReady else { return false }
        invocations.append(Invocation(attempt: attempt, stage: .running))
        return true
    }

    mutating func beginAnswer(_ kind: SandboxState.AnswerKind, requestID: String, invocationID: String?)
        throws(RuntimeAPIError) -> SandboxState.Attempt
    {
        let candidates = invocations.indices.filter { invocations[$0].attempt.requestID == requestID }
        guard !candidates.isEmpty else { throw .invalidRequestID }
        let index =
            if let invocationID {
                candidates.first { invocations[$0].attempt.invocationID == invocationID }
            } else {
                // A runtime that does not echo the invocation id cannot tell two of one request apart; nor can we.
                candidates.first { invocations[$0].stage == .running } ?? candidates.first
            }
        guard phase != .ended, let index else { throw .invokeTimeout }
        switch invocations[index].stage {
        case .running:
            invocations[index].stage = .responding
            return invocations[index].attempt
        case .responding: throw .invalidTransition(from: .responding, to: kind.rawValue)
        case .timedOut:
            invocations.remove(at: index)
            throw .invokeTimeout
        }
    }

    mutating func endAnswer(_ attempt: SandboxState.Attempt) throws(RuntimeAPIError) {
        guard phase != .ended, let index = invocations.firstIndex(where: { $0.attempt == attempt }) else {
            throw .invokeTimeout
        }
        let stage = invocations.remove(at: index).stage
        guard stage == .responding else { throw .invokeTimeout }
    }

    mutating func timeOut(_ attempt: SandboxState.Attempt) {
        guard let index = invocations.firstIndex(where: { $0.attempt == attempt }) else { return }
        invocations[index].stage = .timedOut
    }

    mutating func failInit() throws(RuntimeAPIError) {
        guard phase == .starting else { throw .invalidTransition(from: phase, to: "InitError") }
        phase = .initFailed
    }

    /// There are no snapshots of such sandboxes.
    mutating func restore() throws(RuntimeAPIError) { throw .invalidTransition(from: phase, to: "Ready") }
    mutating func failRestore() throws(RuntimeAPIError) { throw .invalidTransition(from: phase, to: "RestoreError") }

    mutating func end() {
        phase = .ended
    }
}
