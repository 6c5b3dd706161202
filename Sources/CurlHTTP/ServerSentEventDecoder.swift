// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Turns the bytes of a `text/event-stream`, cut anywhere, into events.
///
/// It follows "9.2.6 Interpreting an event stream" of the WHATWG HTML standard. In particular an event is dispatched by
/// the blank line after it, so the rest of a stream that ends without one is dropped: ``hasIncompleteEvent`` tells.
public struct ServerSentEventDecoder: Sendable {
    /// The most bytes that one event, or one line of it, may take. 4 MiB by default: some model services repeat the
    /// whole answer in the last event.
    public let maximumEventSize: Int
    /// The reconnection time that the stream asked for, if it did.
    public private(set) var retryDelay: Duration?
    /// The id last seen in the stream.
    public private(set) var lastEventID = ""

    private var line: [UInt8] = []
    private var isFirstLine = true
    private var skipsLineFeed = false
    private var type: [UInt8] = []
    private var data: [UInt8] = []
    private var pendingID: String?

    /// Makes a decoder at the beginning of a stream.
    public init(maximumEventSize: Int = 4 << 20) {
        self.maximumEventSize = maximumEventSize
    }

    /// Whether bytes were read since the last blank line that would make, or add to, an event.
    public var hasIncompleteEvent: Bool { !line.isEmpty || !data.isEmpty }

    /// Takes the next bytes and returns the events that they complete.
    ///
    /// Throws `responseTooLarge` when an event exceeds ``maximumEventSize``; the decoder is of no use then.
    public mutating func decode(_ bytes: [UInt8]) throws(HTTPError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var start = bytes.startIndex
        if skipsLineFeed, let first = bytes.first {
            skipsLineFeed = false
            if first == .lineFeed { start += 1 }
        }
        while let end = bytes[start...].firstIndex(where: { $0 == .lineFeed || $0 == .carriageReturn }) {
            try collect(bytes[start..<end])
            if let event = endLine() { events.append(event) }
            start = end + 1
            guard bytes[end] == .carriageReturn else { continue }
            // A CR ends the line at once; the LF of a CRLF may come with the next bytes, and is then no line of its own.
            if start == bytes.endIndex {
                skipsLineFeed = true
            } else if bytes[start] == .lineFeed {
                start += 1
            }
        }
        try collect(bytes[start...])
        return events
    }

    private mutating func collect(_ part: ArraySlice<UInt8>) throws(HTTPError) {
        guard line.count + part.count + data.count + type.count <= maximumEventSize else {
            throw HTTPError(
                .responseTooLarge, at: "ServerSentEventDecoder.decode",
                "an event is larger than \(maximumEventSize) bytes",
                requestWasSent: true, responseHasBegun: true)
        }
        line += part
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        var text = line[...]
        if isFirstLine {
            isFirstLine = false
            if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        }
        guard !text.isEmpty else { return dispatch() }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            process(field: text, value: [])
            return nil
        }
        // A line that begins with a colon is a comment: its field has no name, so nothing is done with it.
        var value = text[(colon + 1)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        process(field: text[..<colon], value: value)
        return nil
    }

    private mutating func process(field: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        if field.elementsEqual("data".utf8) {
            data += value
            data.append(.lineFeed)
        } else if field.elementsEqual("event".utf8) {
            type = Array(value)
        } else if field.elementsEqual("id".utf8) {
            if !value.contains(0) { pendingID = String(decoding: value, as: UTF8.self) }
        } else if field.elementsEqual("retry".utf8) {
            let isNumber = !value.isEmpty && value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            if isNumber, let milliseconds = Int(String(decoding: value, as: UTF8.self)) {
                retryDelay = .milliseconds(milliseconds)
            }
        }
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            data.removeAll(keepingCapacity: true)
            type.removeAll()
        }
        // The id counts from the blank line on, also where there is no data and so no event.
        if let pendingID { lastEventID = pendingID }
        guard !data.isEmpty else { return nil }
        return ServerSentEvent(
            type: type.isEmpty ? "message" : String(decoding: type, as: UTF8.self),
            data: String(decoding: data.dropLast(), as: UTF8.self),
            lastEventID: lastEventID)
    }
}

extension UInt8 {
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
}
