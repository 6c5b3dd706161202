// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
public import JSONCore

/// Something for the one who holds a session, left in the session's inbox by somebody else.
public struct InboxMessage: Sendable, Hashable {
    /// The id of the request. The same id again is the same message.
    public var id: String
    /// What it says: whatever those who post and those who read agree on.
    public var body: JSONValue

    /// Creates a message.
    public init(id: String, body: JSONValue) {
        self.id = id
        self.body = body
    }

    /// How many messages an inbox holds.
    public static let maximumCount = 64
    /// How many bytes an inbox holds, unless it is one message alone.
    public static let maximumInboxSize = 8 << 20
    /// The largest message, as JSON in bytes of UTF-8: a text of 1 MiB of which each byte has to be escaped (`\u0000`),
    /// and 64 KiB around it.
    public static let maximumSize = 6 << 20 + 64 << 10

    /// The message as it stands in the file: 16 hexadecimal digits of the SHA-256 of what follows, a space, one line of JSON.
    var record: [UInt8] {
        let text = (["id": .init(id), "body": body] as JSONValue).description
        return Array("\(Self.checksum(of: Array(text.utf8))) \(text)\n".utf8)
    }

    /// Reads what ``record`` made, without the end of the line; nil for anything else.
    init?(record line: ArraySlice<UInt8>) {
        // 16 digits and a space.
        guard line.count > 17 else { return nil }
        let text = line.dropFirst(17)
        guard line.prefix(17).elementsEqual("\(Self.checksum(of: Array(text))) ".utf8),
            let json = try? JSONValue(parsing: text), let id = json["id"]?.string, let body = json["body"]
        else { return nil }
        self.init(id: id, body: body)
    }

    private static func checksum(of text: [UInt8]) -> String {
        SHA256.digest(of: text).prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// What the bytes of an inbox hold.
///
/// A message is acknowledged after it was synced. So a crash leaves at most the last one incomplete: without the end of its
/// line, or with a checksum that is wrong. Everything behind the last message that can be read is such a rest.
struct InboxContents {
    /// The messages, oldest first.
    private(set) var messages: [InboxMessage] = []
    /// Where the last message ends, and the rest of one begins that was never acknowledged.
    private(set) var end = 0
    /// Lines before that which are no messages: the file was damaged.
    private(set) var unreadable = 0

    init(_ bytes: [UInt8]) {
        var start = 0
        var broken = 0
        while let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let message = InboxMessage(record: bytes[start..<newline]) {
                messages.append(message)
                end = newline + 1
                unreadable += broken
                broken = 0
            } else {
                broken += 1
            }
            start = newline + 1
        }
    }
}
