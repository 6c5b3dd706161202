// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore

/// One request to run a function.
struct Invocation: Sendable {
    var requestID: String
    var functionARN: String
    var traceID: String
    /// Whose invocation it is, for a function that keeps its tenants apart.
    var tenantID: String?
    /// A JSON object on one line.
    var clientContext: String?
    var payload: ByteBuffer
    /// Whether the caller wants the end of the log: it then gets its answer when the invocation is over.
    var wantsLog: Bool
}

/// What a function, or the sandbox on its behalf, answered.
struct InvocationResult: Sendable {
    var payload: ByteBuffer
    var contentType: String
    /// Nil for a success.
    var errorType: String?
    /// The last 4 KB of the log, when it was asked for.
    var log: [UInt8] = []

    var isError: Bool { errorType != nil }
}

/// What became of an invocation that was given to a sandbox.
enum InvocationOutcome: Sendable {
    case answered(InvocationResult)
    /// The answer has begun.
    case streaming(StreamedAnswer)
    /// The sandbox had died or was taken: the function has not seen the invocation, another sandbox may run it.
    case undelivered
    /// The emulator was shut down before an answer.
    case abandoned
    /// The emulator could not serve a sandbox.
    case failed(EmulatorError)
}

/// An error that the sandbox answers in place of the function.
struct SandboxFailure: Equatable, Sendable {
    var type: String
    /// Without the `RequestId: … Error: ` that goes before it.
    var message: String
    /// In the REPORT line.
    var status: ReportLine.Status

    static func timeout(after limit: Duration) -> SandboxFailure {
        SandboxFailure(
            type: "Sandbox.Timedout", message: "Task timed out after \(limit.inSeconds)", status: .timeout)
    }

    static func initTimeout(after limit: Duration) -> SandboxFailure {
        SandboxFailure(
            type: "Sandbox.Timedout", message: "Init timed out after \(limit.inSeconds)", status: .timeout)
    }

    static func restoreTimeout(after limit: Duration) -> SandboxFailure {
        SandboxFailure(
            type: "Sandbox.Timedout", message: "Restore timed out after \(limit.inSeconds)", status: .timeout)
    }

    static let shutdown = SandboxFailure(
        type: "Sandbox.Failure", message: "The emulator was shut down", status: .error(type: "Sandbox.Failure"))

    static let truncatedResponse = SandboxFailure(
        type: "Runtime.TruncatedResponse", message: "The runtime's response broke off",
        status: .error(type: "Runtime.TruncatedResponse"))

    static let invalidResponseMode = SandboxFailure(
        type: "Runtime.InvalidResponseModeHeader", message: "The runtime's response mode is unknown",
        status: .error(type: "Runtime.InvalidResponseModeHeader"))

    static func exit(_ status: ExitStatus) -> SandboxFailure {
        let message =
            status == .exited(0)
            ? "Runtime exited without providing a reason" : "Runtime exited with error: \(status)"
        return SandboxFailure(type: "Runtime.ExitError", message: message, status: .error(type: "Runtime.ExitError"))
    }

    static func invalidEntrypoint(_ path: String) -> SandboxFailure {
        SandboxFailure(
            type: "Runtime.InvalidEntrypoint", message: "Couldn't find valid bootstrap(s): [\(path)]",
            status: .error(type: "Runtime.InvalidEntrypoint"))
    }

    static let responseTooLarge = SandboxFailure(
        type: "Function.ResponseSizeTooLarge",
        message: "Response payload size exceeded maximum allowed payload size (\(RuntimeAPI.bodyLimit) bytes).",
        status: .error(type: "Function.ResponseSizeTooLarge"))

    func message(for requestID: String) -> String { "RequestId: \(requestID) Error: \(message)" }

    func result(for requestID: String) -> InvocationResult {
        let message = self == .responseTooLarge ? message : message(for: requestID)
        return InvocationResult(
            payload: EmulatorJSON.object(["errorType": type, "errorMessage": message]),
            contentType: "application/json", errorType: type)
    }
}
