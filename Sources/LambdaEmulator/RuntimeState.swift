// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the Runtime API allows in one sandbox, as a value: no I/O, no clock.
///
/// ``SandboxState`` is the state of a sandbox that runs one invocation at a time, ``ConcurrentState`` that of one that
/// runs several.
protocol RuntimeState: Sendable {
    var phase: SandboxState.Phase { get }
    /// Whether a runtime that asks is given an invocation.
    var isReady: Bool { get }

    /// `/next`.
    mutating func next() throws(RuntimeAPIError) -> SandboxState.NextStep
    /// Gives the runtime an invocation; false unless it is ready.
    mutating func begin(_ attempt: SandboxState.Attempt) -> Bool
    /// The beginning of a `/response` or `/error`: which attempt it is for. `invocationID` is nil when the runtime does
    /// not echo it. What does not come to `endAnswer` leaves the attempt where it is: nothing more is accepted for it.
    mutating func beginAnswer(_ kind: SandboxState.AnswerKind, requestID: String, invocationID: String?)
        throws(RuntimeAPIError) -> SandboxState.Attempt
    /// The answer has been read to its end.
    mutating func endAnswer(_ attempt: SandboxState.Attempt) throws(RuntimeAPIError)
    /// The deadline has passed; the sandbox lives on.
    mutating func timeOut(_ attempt: SandboxState.Attempt)
    /// `/init/error`.
    mutating func failInit() throws(RuntimeAPIError)
    /// `/restore/next`.
    mutating func restore() throws(RuntimeAPIError)
    /// `/restore/error`.
    mutating func failRestore() throws(RuntimeAPIError)
    mutating func end()
}
