// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOHTTP1

/// A refusal of the Invoke API, in Lambda's words.
struct InvokeAPIError: Error, Equatable {
    var status: HTTPResponseStatus
    var type: String
    var message: String
    var reason: String?

    static let unknownOperation = InvokeAPIError(
        status: .notFound, type: "UnknownOperationException", message: "This emulator does not have this operation.")
    static let throttled = InvokeAPIError(
        status: .tooManyRequests, type: "TooManyRequestsException", message: "Rate Exceeded.",
        reason: "ReservedFunctionConcurrentInvocationLimitExceeded")

    /// Any page on the web can have a browser post to a loopback port.
    static let fromWebPage = InvokeAPIError(
        status: .forbidden, type: "AccessDeniedException", message: "Requests of web pages are not served.")

    static func notFound(_ arn: String) -> InvokeAPIError {
        InvokeAPIError(status: .notFound, type: "ResourceNotFoundException", message: "Function not found: \(arn)")
    }

    static func validation(_ parameter: String) -> InvokeAPIError {
        InvokeAPIError(
            status: .badRequest, type: "ValidationException",
            message: "1 validation error detected: Value at '\(parameter)' failed to satisfy constraint")
    }

    static func invalidParameter(_ message: String) -> InvokeAPIError {
        InvokeAPIError(status: .badRequest, type: "InvalidParameterValueException", message: message)
    }

    static func invalidContent(_ message: String) -> InvokeAPIError {
        InvokeAPIError(status: .badRequest, type: "InvalidRequestContentException", message: message)
    }

    static func tooLarge(limit: Int) -> InvokeAPIError {
        InvokeAPIError(
            status: .payloadTooLarge, type: "RequestTooLargeException",
            message: "Request must be smaller than \(limit) bytes for the InvokeFunction operation")
    }

    static func service(_ message: String) -> InvokeAPIError {
        InvokeAPIError(status: .internalServerError, type: "ServiceException", message: message)
    }

    var response: HTTPResponse {
        let origin = status.code < 500 ? "User" : "Service"
        // The SDKs read both spellings; not found is the one that Lambda writes with a capital.
        let body =
            if let reason {
                EmulatorJSON.object(["Reason": reason, "Type": origin, "message": message])
            } else if type == "ResourceNotFoundException" {
                EmulatorJSON.object(["Message": message, "Type": origin])
            } else {
                EmulatorJSON.object(["Type": origin, "message": message])
            }
        return HTTPResponse(
            status: status, headers: ["Content-Type": "application/json", "x-amzn-errortype": type], body: body)
    }
}
