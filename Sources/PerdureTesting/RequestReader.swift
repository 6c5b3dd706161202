// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Reads HTTP/1.1 requests with a `Content-Length`, in chunks, or without a body, one after the other.
struct RequestReader {
    /// A request as it came.
    struct Request {
        /// The request line and the header lines, up to and including the blank one.
        var head: [UInt8]
        var body: [UInt8]
        /// The body as it came, with the sizes of chunks and the trailers.
        var framedBody: [UInt8]
    }

    private let connection: LoopbackConnection
    private var buffer: [UInt8] = []

    init(_ connection: LoopbackConnection) {
        self.connection = connection
    }

    /// The next request; nil when the client has closed the connection.
    mutating func next() -> Request? {
        guard let head = nextHead() else { return nil }
        return nextBody(after: head)
    }

    /// The request line and the header lines of the next request.
    mutating func nextHead() -> [UInt8]? { take(to: "\r\n\r\n") }

    /// Waits for the first byte of a body; false when the client has closed the connection.
    mutating func waitForBody() -> Bool { fill(1) }

    /// The rest of a request.
    mutating func nextBody(after head: [UInt8]) -> Request? {
        let lines = String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
        guard !lines.contains("transfer-encoding: chunked") else { return nextChunks(after: head) }
        let line = lines.first { $0.hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) } ?? 0
        return take(length).map { Request(head: head, body: $0, framedBody: $0) }
    }

    private mutating func nextChunks(after head: [UInt8]) -> Request? {
        var request = Request(head: head, body: [], framedBody: [])
        while let line = take(to: "\r\n") {
            request.framedBody += line
            guard let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) else { return nil }
            guard size > 0 else { break }
            guard let chunk = take(size + 2) else { return nil }
            request.framedBody += chunk
            request.body += chunk.dropLast(2)
        }
        while let line = take(to: "\r\n") {
            request.framedBody += line
            if line.count == 2 { return request }
        }
        return nil
    }

    /// Takes everything up to and including that text.
    private mutating func take(to text: String) -> [UInt8]? {
        let wanted = Array(text.utf8)
        while true {
            let end = buffer.indices.dropLast(wanted.count - 1).first {
                buffer[$0..<$0 + wanted.count].elementsEqual(wanted)
            }
            if let end { return take(end + wanted.count) }
            guard fill(buffer.count + 1) else { return nil }
        }
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard fill(count) else { return nil }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// Receives until there are so many bytes.
    private mutating func fill(_ count: Int) -> Bool {
        while buffer.count < count {
            let bytes = connection.receive()
            if bytes.isEmpty { return false }
            buffer += bytes
        }
        return true
    }
}
