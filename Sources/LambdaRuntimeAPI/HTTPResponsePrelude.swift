// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// The status and header fields at the beginning of a streamed response of an HTTP integration.
///
/// The integration wants all of it within the first 16 KiB. Function URLs do not stream from inside a VPC: there,
/// API Gateway or `InvokeWithResponseStream` does.
public struct HTTPResponsePrelude: Sendable, Hashable {
    /// What tells the integration that a response begins with a prelude.
    static let contentType = "application/vnd.awslambda.http-integration-response"

    /// The status code.
    public var statusCode: Int
    /// The header fields, but `Set-Cookie`.
    public var headers: [String: String]
    /// The values of the `Set-Cookie` fields.
    public var cookies: [String]

    /// Creates a prelude.
    public init(statusCode: Int = 200, headers: [String: String] = [:], cookies: [String] = []) {
        self.statusCode = statusCode
        self.headers = headers
        self.cookies = cookies
    }

    /// `{"statusCode":…,"headers":{…},"cookies":[…]}`, the header fields in the order of their names.
    public var json: JSONValue {
        var fields = JSONObject()
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { fields[name] = .init(value) }
        return [
            "statusCode": .init(statusCode), "headers": .object(fields), "cookies": .array(cookies.map { .init($0) }),
        ]
    }

    /// The JSON and the eight zero bytes that end it.
    var bytes: [UInt8] { json.bytes() + [UInt8](repeating: 0, count: 8) }
}
