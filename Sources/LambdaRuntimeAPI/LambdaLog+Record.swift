// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

extension LambdaLog {
    /// One thing to be said in the log.
    public struct Record: Sendable {
        /// How much it matters.
        public var level: Level
        /// What happened.
        public var message: String
        /// What is known besides, in this order. A key that a record has already stands behind `metadata.`.
        public var members: [(key: String, value: JSONValue)]
        /// The error that it is about.
        public var error: InvocationError?
        /// The invocation that it belongs to.
        public var context: InvocationContext?
        /// When it happened; what is before 1970 counts as 1970.
        public var microsecondsSinceEpoch: Int64

        /// Creates a record, by default of the current invocation and moment.
        public init(
            _ level: Level,
            _ message: String,
            members: [(key: String, value: JSONValue)] = [],
            error: InvocationError? = nil,
            context: InvocationContext? = .current,
            microsecondsSinceEpoch: Int64? = nil
        ) {
            self.level = level
            self.message = message
            self.members = members
            self.error = error
            self.context = context
            self.microsecondsSinceEpoch = microsecondsSinceEpoch ?? wallClockMicroseconds()
        }

        /// When it happened, as `2026-01-02T03:04:05.678Z`.
        public var timestamp: String {
            var bytes: [UInt8] = []
            appendTimestamp(microsecondsSinceEpoch, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension LambdaLog.Record {
    /// Appends the record without a line break at its end.
    func append(as format: LambdaLog.Format, upTo limit: Int, to bytes: inout [UInt8]) {
        switch format {
        case .text: appendText(upTo: limit, to: &bytes)
        case .json: appendJSON(upTo: limit, to: &bytes)
        }
    }

    private func appendText(upTo limit: Int, to bytes: inout [UInt8]) {
        appendTimestamp(microsecondsSinceEpoch, to: &bytes)
        let start = bytes.count
        bytes.append(UInt8(ascii: "\t"))
        // A caller may choose the id: it must not look like further fields.
        bytes += (context?.requestID ?? "-").utf8.lazy.map { $0 == UInt8(ascii: "\t") ? UInt8(ascii: " ") : $0 }
        bytes.append(UInt8(ascii: "\t"))
        bytes.append(contentsOf: level.name.utf8)
        bytes.append(UInt8(ascii: "\t"))
        bytes.append(contentsOf: message.utf8)
        if let error {
            appendPair("errorType", .init(error.type), to: &bytes)
            appendPair("errorMessage", .init(error.message), to: &bytes)
            if !error.stackTrace.isEmpty { appendPair("stackTrace", error.stackTraceValue, to: &bytes) }
        }
        for (key, value) in members { appendPair(key, value, to: &bytes) }
        // A line break within a record would end it.
        for index in bytes[start...].indices where bytes[index] == UInt8(ascii: "\n") {
            bytes[index] = UInt8(ascii: "\r")
        }
        if bytes.count > limit { cut(&bytes, to: limit) }
    }

    private func appendJSON(upTo limit: Int, to bytes: inout [UInt8]) {
        bytes = json(message: message, withDetails: true)
        if bytes.count <= limit { return }
        // Details that leave no room for a message are left out before the message is.
        let details = bytes.count - json(message: message, withDetails: false).count
        let keepsDetails = details <= limit / 2
        let rest = json(message: "", withDetails: keepsDetails).count
        bytes = json(message: message.cut(toJSONLength: limit - rest - "…".utf8.count), withDetails: keepsDetails)
    }

    private func json(message: String, withDetails: Bool) -> [UInt8] {
        var object: JSONObject = ["timestamp": .init(timestamp), "level": .init(level.name)]
        if let context {
            object["requestId"] = .init(context.requestID)
            if let tenant = context.tenantID { object["tenantId"] = .init(tenant) }
        }
        object["message"] = .init(message)
        if let error {
            object["errorType"] = .init(error.type.cut(toJSONLength: InvocationError.maximumLineLength))
            if withDetails {
                object["errorMessage"] = .init(error.message)
                if !error.stackTrace.isEmpty { object["stackTrace"] = error.stackTraceValue }
            }
        }
        if withDetails {
            for (key, value) in members { object[reserved.contains(key) ? "metadata.\(key)" : key] = value }
        }
        return JSONValue.object(object).bytes()
    }
}

/// The names of a record's own members.
private let reserved: Set<String> = [
    "timestamp", "level", "requestId", "tenantId", "message", "errorType", "errorMessage", "stackTrace",
]

extension InvocationError {
    fileprivate var stackTraceValue: JSONValue { .array(stackTrace.map { .init($0) }) }
}

/// Appends ` key=value`. What would be hard to tell apart is written as JSON.
private func appendPair(_ key: String, _ value: JSONValue, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: " "))
    append(word: key, to: &bytes)
    bytes.append(UInt8(ascii: "="))
    if let text = value.string { append(word: text, to: &bytes) } else { bytes.append(contentsOf: value.bytes()) }
}

private func append(word: String, to bytes: inout [UInt8]) {
    let isPlain = !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
    if isPlain { bytes.append(contentsOf: word.utf8) } else { bytes.append(contentsOf: JSONValue(word).bytes()) }
}

/// Cuts UTF-8 between two characters, and says so with an ellipsis.
private func cut(_ bytes: inout [UInt8], to limit: Int) {
    var end = limit - "…".utf8.count
    // A byte 10xxxxxx goes on with the character before it.
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    bytes.removeLast(bytes.count - end)
    bytes.append(contentsOf: "…".utf8)
}
