// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// How the body of a request ended.
enum HTTPBodyEnd: Sendable {
    /// With these trailers.
    case complete(HTTPHeaders)
    /// The connection was lost in the middle.
    case truncated
}

/// A request: whole, or with its body still on the way.
struct HTTPRequest: Sendable {
    var method: HTTPMethod
    /// The parts of the path, percent-decoded one by one, so that a `%2F` stays inside its part. Nil for what is not
    /// UTF-8.
    var path: [String]?
    var query: [String: String]
    var headers: HTTPHeaders
    /// Empty when `isTooLarge`, and when there is a `stream`.
    var body: ByteBuffer
    /// Whether the body was larger than the server's limit; it was read to its end and dropped.
    var isTooLarge: Bool
    /// Whether the connection was lost before the end of the body. Nobody gets the response.
    var isTruncated = false
    /// The body as it arrives, without a limit, of a request that the server does not put together.
    var stream: BytePipe<HTTPBodyEnd>?

    init(head: HTTPRequestHead, body: ByteBuffer, isTooLarge: Bool) {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: "/").map { String($0).removingPercentEncoding }
        self.path = path.contains(nil) ? nil : path.compactMap(\.self)
        query = [:]
        for item in parts.dropFirst().joined().split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1).compactMap { String($0).removingPercentEncoding }
            if pair.count == 2 { query[pair[0]] = pair[1] }
        }
        method = head.method
        headers = head.headers
        self.body = body
        self.isTooLarge = isTooLarge
    }

    /// Whether a browser sent this on behalf of a page, which any page on the web can have it do to a loopback port.
    ///
    /// Browsers name the page's origin on each POST, `null` for some; the clients of these APIs never do.
    var isFromWebPage: Bool { headers.contains(name: "Origin") }
}

/// A response: whole, with a `Content-Length` that the server adds, or chunked.
struct HTTPResponse: Sendable {
    /// Writes a body; when it throws, the connection is closed in the middle of it.
    typealias Writer = @Sendable (HTTPBodyWriter) async throws -> Void

    var status: HTTPResponseStatus
    var headers: HTTPHeaders = [:]
    var body = ByteBuffer()
    /// Writes the body in place of `body`.
    var stream: Writer?
}

/// Where a streamed response is written.
struct HTTPBodyWriter: Sendable {
    let channel: any Channel

    /// Sends one chunk; returns when the system has taken it, throws when the client is gone.
    func write(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(HTTPConnection.ResponsePart.body(bytes)).get()
    }
}
