// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the Runtime API allows in one sandbox, as a value: no I/O, no clock.
///
///     starting ──/next──▶ idle ──begin──▶ running ──/response, /error──▶ answered
///        │                 ▲ ▲              │ ▲                             │
///   /init/error            │ └─/next──┐     │ └─/next: the same again       │
///        ▼                 └──────────┴─────┼──────────────/next────────────┘
///    initFailed                             ▼
///                                  ended (from anywhere: exit, kill)
struct SandboxState: Equatable, Sendable {
    enum Phase: String, Sendable {
        case starting = "Started"
        case idle = "Ready"
        case running = "Running"
        case answered = "Answered"
        case initFailed = "InitError"
        case ended = "Ended"
    }

    /// One delivery of a request to a runtime. Request ids repeat, invocation ids do not.
    struct Attempt: Equatable, Sendable {
        var requestID: String
        var invocationID: String
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

    mutating func next() throws(RuntimeAPIError) -> NextStep {
        switch phase {
        case .starting:
            phase = .idle
            return .initialized
        case .idle: return .idleAgain
        case .running: return .redeliver
        case .answered:
            phase = .idle
            return .finished
        case .initFailed, .ended: throw .invalidTransition(from: phase, to: "Ready")
        }
    }

    /// Gives the runtime an invocation; false unless it is idle.
    mutating func begin(_ attempt: Attempt) -> Bool {
        guard phase == .idle else { return false }
        self.attempt = attempt
        phase = .running
        return true
    }

    /// `/response` or `/error`; `invocationID` is nil when the runtime does not echo it.
    mutating func answer(requestID: String, invocationID: String?) throws(RuntimeAPIError) {
        guard let attempt, attempt.requestID == requestID else { throw .invalidRequestID }
        if let invocationID, invocationID != attempt.invocationID { throw .invokeTimeout }
        guard phase != .ended else { throw .invokeTimeout }
        guard phase == .running else { throw .invalidTransition(from: phase, to: "InvocationResponse") }
        phase = .answered
    }

    /// `/init/error`.
    mutating func failInit() throws(RuntimeAPIError) {
        guard phase == .starting else { throw .invalidTransition(from: phase, to: "InitError") }
        phase = .initFailed
    }

    mutating func end() {
        phase = .ended
    }
}
