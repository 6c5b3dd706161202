// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The status and header fields of a response.
public struct HTTPResponseHead: Sendable, Hashable {
    /// The status code, 101 or 200 to 999: interim responses are skipped.
    public var status: Int
    /// The header fields as they were received, duplicates and empty ones included.
    public var fields: HTTPFields

    /// Makes a head.
    public init(status: Int, fields: HTTPFields = [:]) {
        self.status = status
        self.fields = fields
    }
}

/// A response with its whole body.
public struct HTTPResponse: Sendable, Hashable {
    /// The status and header fields.
    public var head: HTTPResponseHead
    /// The body, without transfer encoding; empty when there was none.
    public var body: [UInt8]

    /// Makes a response.
    public init(head: HTTPResponseHead, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    /// The status code of the head.
    public var status: Int { head.status }

    /// The header fields of the head.
    public var fields: HTTPFields { head.fields }
}
