// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Gathers what libcurl's callbacks hand over. A plain value: nothing in it runs foreign code.
struct ResponseCollector {
    /// The most bytes of header lines, all interim responses included: more is an attack or a mistake.
    static let maximumHeadSize = 256 << 10

    /// The head of the final response, once its blank line has arrived.
    private(set) var head: HTTPResponseHead?
    /// Body bytes that nobody has taken yet.
    private(set) var pending: [UInt8] = []
    /// Whether a status line of the final response has arrived.
    private(set) var hasBegun = false

    private let maximumBodySize: Int
    private var bodySize = 0
    private var headSize = 0
    private var partial: HTTPResponseHead?

    init(maximumBodySize: Int) {
        self.maximumBodySize = maximumBodySize
    }

    /// Takes one header line with its line end; returns why the transfer must stop, if it must.
    mutating func receive(headerLine line: ArraySlice<UInt8>) -> HTTPError.Code? {
        headSize += line.count
        guard headSize <= Self.maximumHeadSize else { return .responseTooLarge }
        // After the head only trailers come, which nobody asked for.
        guard head == nil else { return nil }
        let text = line.trimmingLineEnd()
        if text.isEmpty { return endHead() }
        if partial == nil || text.starts(with: "HTTP/".utf8) { return begin(statusLine: text) }
        if text.first?.isBlank == true {
            partial?.fields.fold(String(decoding: text.trimmingBlanks(), as: UTF8.self))
            return nil
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex else {
            return .protocolViolation
        }
        partial?.fields.append(
            name: String(decoding: text[..<colon], as: UTF8.self),
            value: String(decoding: text[(colon + 1)...].trimmingBlanks(), as: UTF8.self))
        return nil
    }

    /// Takes body bytes; returns why the transfer must stop, if it must.
    mutating func receive(body bytes: UnsafeRawBufferPointer) -> HTTPError.Code? {
        bodySize += bytes.count
        guard bodySize <= maximumBodySize else { return .responseTooLarge }
        if pending.isEmpty, let length = announcedLength, bodySize == bytes.count {
            // One allocation instead of a dozen; the announced length is only believed up to 8 MiB.
            pending.reserveCapacity(min(length, maximumBodySize, 8 << 20))
        }
        unsafe pending.append(contentsOf: bytes)
        return nil
    }

    /// Hands over the body bytes that have arrived since the last time.
    mutating func takePending() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        return bytes
    }

    private var announcedLength: Int? {
        guard let text = head?.fields["Content-Length"], let length = Int(text), length > 0 else { return nil }
        return length
    }

    private mutating func begin(statusLine text: ArraySlice<UInt8>) -> HTTPError.Code? {
        // "HTTP/1.1 200 OK": the reason phrase, and the blank before it, may be missing.
        let code = text.drop { !$0.isBlank }.drop(while: \.isBlank).prefix { !$0.isBlank }
        guard code.count == 3, let status = Int(String(decoding: code, as: UTF8.self)), status >= 100 else {
            return .protocolViolation
        }
        partial = HTTPResponseHead(status: status)
        hasBegun = status >= 200 || status == 101
        return nil
    }

    private mutating func endHead() -> HTTPError.Code? {
        guard let partial else { return .protocolViolation }
        if hasBegun { head = partial }
        self.partial = nil
        return nil
    }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmingLineEnd() -> ArraySlice<UInt8> {
        let line = last == UInt8(ascii: "\n") ? dropLast() : self
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    fileprivate func trimmingBlanks() -> ArraySlice<UInt8> {
        guard let last = lastIndex(where: { !$0.isBlank }) else { return [] }
        return self[...last].drop(while: \.isBlank)
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}
