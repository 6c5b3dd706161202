// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Perdure

/// Calls a function through Lambda's Invoke API, without credentials: for local endpoints.
struct InvokeClient: Sendable {
    let endpoint: String
    let function: String
    let timeout: Duration
    private let http = HTTPClient()

    /// A function that answered with an error, or did not answer.
    struct Failure: Error, CustomStringConvertible {
        let type: String
        let message: String
        var description: String { "\(type): \(message)" }
    }

    /// Sends an event and returns the function's answer.
    func invoke(_ event: JSONValue) async throws -> JSONValue {
        let response = try await http.send(
            request("2015-03-31", "invocations", event), limits: HTTPLimits(timeout: timeout))
        let body: JSONValue
        do {
            body = try JSONValue(parsing: response.body)
        } catch {
            throw Failure(type: "InvalidAnswer", message: "status \(response.status), and a body that is not JSON")
        }
        guard response.status == 200, response.fields["X-Amz-Function-Error"] == nil else {
            throw Failure(body, otherwise: "status \(response.status)")
        }
        return body
    }

    /// Sends an event, passes on the text of the answer as it is written, and returns the answer.
    ///
    /// Functions that do not stream, and endpoints that cannot, answer in one piece.
    func stream(_ event: JSONObject, onText: (_ text: String, _ step: Int) async -> Void) async throws -> JSONValue {
        var streamed = event
        streamed["stream"] = true
        let response = try await http.stream(
            request("2021-11-15", "response-streaming-invocations", .object(streamed)),
            limits: HTTPLimits(timeout: timeout))
        // An endpoint without the operation has not run anything.
        guard response.head.status != 404 else { return try await invoke(.object(event)) }
        guard response.head.status == 200 else {
            let body = try? JSONValue(parsing: try await response.body.collect())
            throw Failure(body ?? [:], otherwise: "status \(response.head.status)")
        }
        var answer = StreamedAnswer(contentType: response.head.fields["X-Amzn-Remapped-Content-Type"])
        for try await bytes in response.body {
            for (text, step) in try answer.add(bytes) { await onText(text, step) }
        }
        return try answer.finished()
    }

    private func request(_ version: String, _ operation: String, _ event: JSONValue) -> HTTPRequest {
        let name = function.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? function
        return HTTPRequest(
            method: .post,
            url: "\(endpoint)/\(version)/functions/\(name)/\(operation)",
            headers: ["Content-Type": "application/json"],
            body: event.bytes()
        )
    }
}

extension InvokeClient.Failure {
    /// What Lambda, or a function, says of an error.
    init(_ body: JSONValue, otherwise type: String) {
        self.init(
            type: body["errorType"]?.string ?? body["Type"]?.string ?? type,
            message: body["errorMessage"]?.string ?? body["Message"]?.string ?? body["message"]?.string ?? ""
        )
    }
}
