// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// A whole request.
struct HTTPRequest: Sendable {
    var method: HTTPMethod
    /// The parts of the path, percent-decoded one by one, so that a `%2F` stays inside its part. Nil for what is not
    /// UTF-8.
    var path: [String]?
    var query: [String: String]
    var headers: HTTPHeaders
    /// Empty when `isTooLarge`.
    var body: ByteBuffer
    /// Whether the body was larger than the server's limit; it was read to its end and dropped.
    var isTooLarge: Bool

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
}

/// A whole response. `Content-Length` is added by the server.
struct HTTPResponse: Sendable {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders = [:]
    var body = ByteBuffer()
}
