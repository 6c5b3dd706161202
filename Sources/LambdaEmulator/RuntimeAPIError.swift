// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOHTTP1

/// A refusal of the Runtime API.
struct RuntimeAPIError: Error, Equatable {
    var status: HTTPResponseStatus
    var type: String
    var message: String

    static let invalidRequestID = RuntimeAPIError(
        status: .badRequest, type: "InvalidRequestID", message: "Invalid request ID")
    static let invalidResponseMode = RuntimeAPIError(
        status: .badRequest, type: "InvalidFunctionResponseMode",
        message: "Invalid function response mode")
    static let invokeTimeout = RuntimeAPIError(
        status: .gone, type: "InvokeTimeout", message: "Invoke timeout")
    static let tooLarge = RuntimeAPIError(
        status: .payloadTooLarge, type: "RequestEntityTooLarge",
        message: "Exceeded maximum allowed payload size (\(RuntimeAPI.bodyLimit) bytes).")
    static let truncated = RuntimeAPIError(
        status: .badRequest, type: "TruncatedHTTPRequest", message: "HTTP request detected as truncated")
    /// Of more workers than the runtime was told to have. AWS's runtime interface emulator lets 10,000 of them wait,
    /// whatever it told the runtime, and answers the next one so.
    static let tooManyPolls = RuntimeAPIError(
        status: .internalServerError, type: "InternalServerError", message: "Internal Server Error")
    static let fromWebPage = RuntimeAPIError(
        status: .forbidden, type: "AccessDenied", message: "Requests of web pages are not served")
    /// Of the Extensions API.
    static let invalidRequestFormat = RuntimeAPIError(
        status: .forbidden, type: "InvalidRequestFormat", message: "The body is not an object with events")
    /// As the servers of AWS's runtime interface emulator say it: in plain text, and nothing at all of a wrong method.
    static let notFound = RuntimeAPIError(status: .notFound, type: "NotFound", message: "404 page not found")
    static let wrongMethod = RuntimeAPIError(status: .methodNotAllowed, type: "MethodNotAllowed", message: "")

    static func invalidTransition(from phase: SandboxState.Phase, to target: String) -> RuntimeAPIError {
        RuntimeAPIError(
            status: .forbidden, type: "InvalidStateTransition",
            message: "State transition from \(phase.rawValue) to \(target) failed for runtime. "
                + "Error: State transition is not allowed")
    }

    /// A refusal of the Extensions API.
    static func extensionError(_ type: String, _ message: String) -> RuntimeAPIError {
        RuntimeAPIError(status: .forbidden, type: "Extension.\(type)", message: message)
    }
}
