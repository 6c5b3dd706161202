// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The state of a sandbox that runs one invocation at a time.
///
///     starting ──/next──▶ idle ──begin──▶ running ──/response, /error──▶ responding ──its end──▶ answered
///      │    │              ▲ ▲              │ ▲                             │                        │
///      │  /restore/next    │ └─/next──┐     │ └─/next: the same again       │ broken off:            │
///      │    ▼              │          │     │                               │ nothing is accepted    │
///      │  restoring ─/next─┘          └─────┼───────────────/next───────────┼────────────────────────┘
///      │    │                               ▼                               ▼
///   /init/error, /restore/error    ended (from anywhere: exit, kill)
///      ▼
///   initFailed
struct SandboxState: RuntimeState, Equatable {
    /// The names are those of Lambda's messages.
    enum Phase: String, Sendable {
        case starting = "Started"
        case restoring = "RestoreReady"
        case idle = "Ready"
        case running = "Running"
        case responding = "InvocationResponse"
        case answered = "RuntimeResponseSentState"
        case initFailed = "InitError"
        case ended = "Ended"
    }

    /// One delivery of a request to a runtime. Request ids repeat, invocation ids do not.
    struct Attempt: Hashable, Sendable {
        var requestID: String
        var invocationID: String
    }

    enum AnswerKind: String, Sendable {
        case response = "InvocationResponse"
        case error = "InvocationErrorResponse"
    }

    /// What a `/next` means.
    enum NextStep: Equatable {
        /// The first one: init is complete.
        case initialized
        /// A second poll, e.g. after a lost connection.
        case idleAgain
        /// The runtime lost the invocation, or asks twice: it gets the same one.
        case redeliver
        /// The invocation is over.
        case finished
    }

    private(set) var phase = Phase.starting
    /// The current attempt, or the last one.
    private(set) var attempt: Attempt?

    var isReady: Bool { phase == .idle }

    mutating func next() throws(RuntimeAPIError) -> NextStep {
        switch phase {
        case .starting, .restoring:
            phase = .idle
            return .initialized
        case .idle: return .idleAgain
        case .running: return .redeliver
        case .answered:
            phase = .idle
            return .finished
        case .responding, .initFailed, .ended: throw .invalidTransition(from: phase, to: "Ready")
        }
    }

    mutating func begin(_ attempt: Attempt) -> Bool {
        guard phase == .idle else { return false }
        self.attempt = attempt
        phase = .running
        return true
    }

    mutating func beginAnswer(_ kind: AnswerKind, requestID: String, invocationID: String?) throws(RuntimeAPIError)
        -> Attempt
    {
        guard let attempt, attempt.requestID == requestID else { throw .invalidRequestID }
        if let invocationID, invocationID != attempt.invocationID { throw .invokeTimeout }
        guard phase != .ended else { throw .invokeTimeout }
        guard phase == .running else { throw .invalidTransition(from: phase, to: kind.rawValue) }
        phase = .responding
        return attempt
    }

    mutating func endAnswer(_ attempt: Attempt) throws(RuntimeAPIError) {
        guard phase == .responding, attempt == self.attempt else { throw .invokeTimeout }
        phase = .answered
    }

    /// A whole `/response` or `/error`.
    mutating func answer(_ kind: AnswerKind = .response, requestID: String, invocationID: String?)
        throws(RuntimeAPIError)
    {
        try endAnswer(beginAnswer(kind, requestID: requestID, invocationID: invocationID))
    }

    /// There is no life after a time-out here: the sandbox is ended.
    mutating func timeOut(_ attempt: Attempt) {
        phase = .ended
    }

    mutating func failInit() throws(RuntimeAPIError) {
        guard phase == .starting else { throw .invalidTransition(from: phase, to: "InitError") }
        phase = .initFailed
    }

    mutating func restore() throws(RuntimeAPIError) {
        guard phase == .starting else { throw .invalidTransition(from: phase, to: "Ready") }
        phase = .restoring
    }

    mutating func failRestore() throws(RuntimeAPIError) {
        guard phase == .restoring else { throw .invalidTransition(from: phase, to: "RestoreError") }
        phase = .initFailed
    }

    mutating func end() {
        phase = .ended
    }
}
