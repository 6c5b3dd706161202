// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Thrown by a tool whose call has to go on in another attempt at the turn: the turn is put off, and the call runs again.
struct AttemptEnd: Error {
    /// What the caller is told; nil where the turn goes on by itself, in another invocation.
    let cause: AgentError?
}
