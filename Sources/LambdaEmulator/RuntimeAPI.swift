// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// The Runtime API's requests and responses, 2018-06-01, and those of the Extensions API, 2020-01-01.
enum RuntimeAPI {
    /// The largest answer of a function; one byte more is refused with 413.
    static let bodyLimit = 6_291_556

    enum Route: Equatable {
        case next
        case response(requestID: String)
        case error(requestID: String)
        case initError
        case restoreNext
        case restoreError
        case registerExtension
        case nextEvent

        init?(_ request: HTTPRequest) {
            guard let path = request.path, path.count >= 3 else { return nil }
            switch (request.method, path[0], path[1]) {
            case (.POST, "2020-01-01", "extension") where path[2...] == ["register"]: self = .registerExtension
            case (.GET, "2020-01-01", "extension") where path[2...] == ["event", "next"]: self = .nextEvent
            case (_, "2018-06-01", "runtime"): self.init(request.method, Array(path[2...]))
            default: return nil
            }
        }

        private init?(_ method: HTTPMethod, _ path: [String]) {
            switch (method, path.count, path.first, path.last) {
            case (.GET, 2, "invocation", "next"): self = .next
            case (.POST, 2, "init", "error"): self = .initError
            case (.GET, 2, "restore", "next"): self = .restoreNext
            case (.POST, 2, "restore", "error"): self = .restoreError
            case (.POST, 3, "invocation", "response"): self = .response(requestID: path[1])
            case (.POST, 3, "invocation", "error"): self = .error(requestID: path[1])
            default: return nil
            }
        }
    }

    /// How a response is sent: `streaming` or, for a buffered one, empty; all else is wrong. The parser leaves the
    /// white space after a header's value, which is no part of it.
    static func responseMode(_ headers: HTTPHeaders) -> String {
        (headers.first(name: "Lambda-Runtime-Function-Response-Mode") ?? "").trimmingCharacters(in: .whitespaces)
    }

    /// Whether a request's body is passed on as it arrives.
    static func streams(_ head: HTTPRequestHead) -> Bool {
        head.method == .POST && responseMode(head.headers) == "streaming"
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
        if let tenant = invocation.tenantID { headers.add(name: "Lambda-Runtime-Aws-Tenant-Id", value: tenant) }
        return HTTPResponse(status: .ok, headers: headers, body: invocation.payload)
    }

    /// The error type that a runtime reported; `Function.Unknown` or `Runtime.Unknown` for what Lambda does not accept.
    ///
    /// The pattern is that of AWS's open-source runtime interface emulator, which finds it anywhere in the header. That
    /// program says `Runtime.Unknown` for all other types that do not begin with `Function.`; we say `Function.Unknown`
    /// outside of init, where it is the function that failed.
    static func errorType(_ header: String?, inInit: Bool) -> String {
        if let header, let match = header.firstMatch(of: /(Runtime|Function)\.[A-Z][A-Za-z]+/) {
            return String(match.0)
        }
        return inInit ? "Runtime.Unknown" : "Function.Unknown"
    }
}
