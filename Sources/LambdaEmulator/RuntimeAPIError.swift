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
        message: "Invalid function response mode: this emulator takes buffered responses only")
    static let invokeTimeout = RuntimeAPIError(
        status: .gone, type: "InvokeTimeout", message: "The invocation is over, or this is an earlier attempt of it")
    static let tooLarge = RuntimeAPIError(
        status: .payloadTooLarge, type: "RequestEntityTooLarge",
        message: "Exceeded maximum allowed payload size (\(RuntimeAPI.bodyLimit) bytes).")
    static let notFound = RuntimeAPIError(status: .notFound, type: "NotFound", message: "No such path")

    static func invalidTransition(from phase: SandboxState.Phase, to target: String) -> RuntimeAPIError {
        RuntimeAPIError(
            status: .forbidden, type: "InvalidStateTransition",
            message: "State transition from \(phase.rawValue) to \(target) failed for runtime. "
                + "Error: State transition is not allowed")
    }
}
