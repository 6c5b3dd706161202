// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// One HTTP request with its whole body.
///
/// What is sent is the request line, `Host`, `User-Agent` (when the options name one), the headers in their order, and
/// `Content-Length` where the method or the body asks for it. Nothing else: no `Accept`, no `Expect`, no cookies.
public struct HTTPRequest: Sendable, Hashable {
    /// The method.
    public var method: HTTPMethod
    /// An absolute `http` or `https` URL in ASCII, percent-encoded by the caller, without user name and password. The
    /// path is sent as it stands, dot segments included; a fragment is not sent.
    public var url: String
    /// The header fields. `Content-Length`, `Transfer-Encoding` and `Expect` are refused: they follow from the body.
    public var headers: HTTPFields
    /// The body; for `HEAD` it must be empty.
    public var body: [UInt8]
    /// Whether to open a new connection instead of taking a kept one.
    public var opensNewConnection = false
    /// Whether to close the connection after the response instead of keeping it.
    public var closesConnection = false

    /// Makes a request; it is checked when it is performed.
    public init(method: HTTPMethod = .get, url: String, headers: HTTPFields = [:], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}
