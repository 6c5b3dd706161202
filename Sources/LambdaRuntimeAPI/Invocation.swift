// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// One invocation, to be answered exactly once: the compiler refuses a second answer.
///
/// An invocation that is dropped without an answer is answered with an error, so that its caller does not wait for the
/// time-out.
public struct Invocation: ~Copyable {
    /// The event, as the caller sent it.
    public let payload: [UInt8]
    /// What else the service says about it.
    public let context: InvocationContext
    let slot: AnswerSlot

    /// Answers with a result: one HTTP request to the Runtime API.
    ///
    /// A result that the service refuses (too late, too large) is no error of this sandbox: it is returned as
    /// ``AnswerReceipt/refused(status:errorType:)``. Throws ``RuntimeError`` when the sandbox cannot go on.
    @discardableResult
    public consuming func respond(
        _ body: [UInt8],
        contentType: String = "application/json"
    ) throws(RuntimeError) -> AnswerReceipt {
        try slot.post("response", headers: ["Content-Type": contentType], body: body)
    }

    /// Answers with an error: one HTTP request to the Runtime API.
    @discardableResult
    public consuming func fail(_ error: InvocationError) throws(RuntimeError) -> AnswerReceipt {
        try slot.post("error", headers: error.headers, body: error.body)
    }

    deinit {
        guard !slot.isAnswered else { return }
        let error = InvocationError(type: "Runtime.NoAnswer", message: "the invocation ended without an answer")
        // Nobody is left to tell: the next call to the Runtime API will say that the sandbox is broken.
        _ = try? slot.post("error", headers: error.headers, body: error.body)
    }
}

/// What became of an answer.
public enum AnswerReceipt: Sendable, Hashable {
    /// The service has taken it.
    case accepted
    /// The service has not taken it, and the sandbox goes on: 400, 403, 410 or 413.
    case refused(status: Int, errorType: String)
}
