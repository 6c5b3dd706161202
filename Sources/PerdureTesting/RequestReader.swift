// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Reads HTTP/1.1 requests with a `Content-Length`, or without a body, one after the other.
struct RequestReader {
    /// A request as it came.
    struct Request {
        /// The request line and the header lines, up to and including the blank one.
        var head: [UInt8]
        var body: [UInt8]
    }

    private let connection: LoopbackConnection
    private var buffer: [UInt8] = []

    init(_ connection: LoopbackConnection) {
        self.connection = connection
    }

    /// The next request; nil when the client has closed the connection.
    mutating func next() -> Request? {
        guard let head = nextHead() else { return nil }
        let lines = String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
        let line = lines.first { $0.hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) } ?? 0
        while buffer.count < length {
            let bytes = connection.receive()
            if bytes.isEmpty { return nil }
            buffer += bytes
        }
        defer { buffer.removeFirst(length) }
        return Request(head: head, body: Array(buffer.prefix(length)))
    }

    private mutating func nextHead() -> [UInt8]? {
        while true {
            let end = buffer.indices.dropLast(3).first { buffer[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
            if let end {
                defer { buffer.removeFirst(end + 4) }
                return Array(buffer[..<(end + 4)])
            }
            let bytes = connection.receive()
            if bytes.isEmpty { return nil }
            buffer += bytes
        }
    }
}
