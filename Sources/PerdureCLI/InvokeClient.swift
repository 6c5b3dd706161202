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
        let name = function.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? function
        let request = HTTPRequest(
            method: .post,
            url: "\(endpoint)/2015-03-31/functions/\(name)/invocations",
            headers: ["Content-Type": "application/json"],
            body: event.bytes()
        )
        let response = try await http.send(request, limits: HTTPLimits(timeout: timeout))
        let body: JSONValue
        do {
            body = try JSONValue(parsing: response.body)
        } catch {
            throw Failure(type: "InvalidAnswer", message: "status \(response.status), and a body that is not JSON")
        }
        guard response.status == 200, response.fields["X-Amz-Function-Error"] == nil else {
            throw Failure(
                type: body["errorType"]?.string ?? body["Type"]?.string ?? "status \(response.status)",
                message: body["errorMessage"]?.string ?? body["Message"]?.string ?? body["message"]?.string ?? ""
            )
        }
        return body
    }
}
