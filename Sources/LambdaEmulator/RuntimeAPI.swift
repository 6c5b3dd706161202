// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// The Runtime API's requests and responses, 2018-06-01, and those of the Extensions API, 2020-01-01.
enum RuntimeAPI {
    /// The largest answer of a function; one byte more is refused with 413.
    static let bodyLimit = 6_291_556

    /// The largest error body where several invocations run at once; one byte more is refused with 413, and the
    /// invocation goes on. Observed on AWS's runtime interface emulator.
    static let concurrentErrorLimit = 1_048_576

    enum Route: Equatable {
        case next
        case response(requestID: String)
        case error(requestID: String)
        case initError
        case restoreNext
        case restoreError
        case registerExtension
        case nextEvent
        case ping
        case unsupported(name: String)

        init(_ request: HTTPRequest) throws(RuntimeAPIError) {
            guard let path = request.path, let (method, route) = Self.fixed[path] ?? Self.answer(path) else {
                throw .notFound
            }
            guard request.method == method else { throw .wrongMethod }
            self = route
        }

        private static let fixed: [[String]: (HTTPMethod, Route)] = [
            ["2018-06-01", "runtime", "invocation", "next"]: (.GET, .next),
            ["2018-06-01", "runtime", "init", "error"]: (.POST, .initError),
            ["2018-06-01", "runtime", "restore", "next"]: (.GET, .restoreNext),
            ["2018-06-01", "runtime", "restore", "error"]: (.POST, .restoreError),
            ["2018-06-01", "ping"]: (.GET, .ping),
            ["2020-01-01", "extension", "register"]: (.POST, .registerExtension),
            ["2020-01-01", "extension", "event", "next"]: (.GET, .nextEvent),
            ["2020-08-15", "logs"]: (.PUT, .unsupported(name: "Logs")),
            ["2022-07-01", "telemetry"]: (.PUT, .unsupported(name: "Telemetry")),
        ]

        private static func answer(_ path: [String]) -> (HTTPMethod, Route)? {
            guard path.count == 5, path[..<3] == ["2018-06-01", "runtime", "invocation"] else { return nil }
            switch path[4] {
            case "response": return (.POST, .response(requestID: path[3]))
            case "error": return (.POST, .error(requestID: path[3]))
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

    static let pong = HTTPResponse(
        status: .ok, headers: ["Content-Type": "text/plain; charset=utf-8"], body: ByteBuffer(string: "pong"))

    /// An API that is not here, in the words of AWS's runtime interface emulator, which has it neither: extensions are
    /// to go on without it.
    static func unsupported(_ name: String) -> HTTPResponse {
        var body = EmulatorJSON.object([
            "errorMessage": "\(name) API is not supported", "errorType": "\(name).NotSupported",
        ])
        body.writeString("\n")
        return HTTPResponse(status: .accepted, headers: ["Content-Type": "application/json"], body: body)
    }

    static func refusal(_ error: RuntimeAPIError) -> HTTPResponse {
        guard error.status != .methodNotAllowed else { return HTTPResponse(status: error.status) }
        guard error.status != .notFound else {
            return HTTPResponse(
                status: error.status, headers: ["Content-Type": "text/plain; charset=utf-8"],
                body: ByteBuffer(string: "\(error.message)\n"))
        }
        var body = EmulatorJSON.object(["errorMessage": error.message, "errorType": error.type])
        body.writeString("\n")
        return HTTPResponse(status: error.status, headers: ["Content-Type": "application/json"], body: body)
    }

    /// The attempt that a runtime says it answers; nil when it does not say, or says nothing.
    static func invocationID(_ headers: HTTPHeaders) -> String? {
        headers.first(name: "Lambda-Runtime-Invocation-Id").flatMap { $0.isEmpty ? nil : $0 }
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
