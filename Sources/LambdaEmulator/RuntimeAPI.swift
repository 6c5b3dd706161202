// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1

/// The Runtime API's requests and responses, 2018-06-01.
enum RuntimeAPI {
    /// The largest answer of a function; one byte more is refused with 413.
    static let bodyLimit = 6_291_556

    enum Route: Equatable {
        case next
        case response(requestID: String)
        case error(requestID: String)
        case initError

        init?(_ request: HTTPRequest) {
            guard let path = request.path, path.count >= 4, path[0...1] == ["2018-06-01", "runtime"] else {
                return nil
            }
            switch (request.method, path[2], path.count, path[3]) {
            case (.GET, "invocation", 4, "next"): self = .next
            case (.POST, "init", 4, "error"): self = .initError
            case (.POST, "invocation", 5, let id) where path[4] == "response": self = .response(requestID: id)
            case (.POST, "invocation", 5, let id) where path[4] == "error": self = .error(requestID: id)
            default: return nil
            }
        }
    }

    static let accepted = HTTPResponse(
        status: .accepted, headers: ["Content-Type": "application/json"],
        body: ByteBuffer(string: "{\"status\":\"OK\"}\n"))

    static func refusal(_ error: RuntimeAPIError) -> HTTPResponse {
        var body = EmulatorJSON.object(["errorMessage": error.message, "errorType": error.type])
        body.writeString("\n")
        return HTTPResponse(status: error.status, headers: ["Content-Type": "application/json"], body: body)
    }

    static func delivery(
        _ invocation: Invocation, attempt: SandboxState.Attempt, deadline: Int64
    ) -> HTTPResponse {
        var headers: HTTPHeaders = [
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": attempt.requestID,
            "Lambda-Runtime-Invocation-Id": attempt.invocationID,
            "Lambda-Runtime-Deadline-Ms": "\(deadline)",
            "Lambda-Runtime-Invoked-Function-Arn": invocation.functionARN,
            "Lambda-Runtime-Trace-Id": invocation.traceID,
        ]
        if let context = invocation.clientContext { headers.add(name: "Lambda-Runtime-Client-Context", value: context) }
        return HTTPResponse(status: .ok, headers: headers, body: invocation.payload)
    }

    /// The error type that a runtime reported; `Function.Unknown` or `Runtime.Unknown` for what Lambda does not accept.
    static func errorType(_ header: String?, inInit: Bool) -> String {
        if let header, let match = header.firstMatch(of: /(Runtime|Function)\.[A-Z][A-Za-z]+/) {
            return String(match.0)
        }
        return inInit ? "Runtime.Unknown" : "Function.Unknown"
    }
}
