// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

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

    /// The message as it stands in the file: the checksum of what follows, a space, one line of JSON.
    ///
    /// Throws SessionStoreError/Code/tooLarge.
    func record() throws(SessionStoreError) -> [UInt8] {
        let text = (["id": .init(id), "body": body] as JSONValue).description
        guard text.utf8.count <= Self.maximumSize else {
            throw SessionStoreError(
                .tooLarge, at: "post", "a message is at most \(Self.maximumSize) bytes of JSON long")
        }
        return Array("\(Self.checksum(of: Array(text.utf8)[...])) \(text)\n".utf8)
    }

    /// Reads what ``record()`` made, without the end of the line; nil for anything else.
    init?(record line: ArraySlice<UInt8>) {
        // 16 digits and a space.
        guard line.count > 17 else { return nil }
        let text = line.dropFirst(17)
        guard line.prefix(17).elementsEqual("\(Self.checksum(of: text)) ".utf8),
            let json = try? JSONValue(parsing: text), let id = json["id"]?.string, let body = json["body"]
        else { return nil }
        self.init(id: id, body: body)
    }

    /// How the JSON of a message of that id begins.
    private static func beginning(id: String) -> [UInt8] {
        Array(#"{"id":\#(JSONValue.string(.init(id)).description),"body":"#.utf8)
    }

    /// Whether a line is a message of that id, or was to be one: a checksum is not computed.
    static func isMessage(_ line: ArraySlice<UInt8>, ofID id: String) -> Bool {
        line.dropFirst(17).starts(with: beginning(id: id))
    }

    /// The hash FNV-1a of 64 bits (draft-eastlake-fnv), as 16 hexadecimal digits. It is there for what a crash leaves and not
    /// for what somebody makes up, and the text of a message may be long.
    private static func checksum(of text: ArraySlice<UInt8>) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// What the bytes of an inbox hold.
///
/// A message is acknowledged after it was synced. So a crash leaves at most the last one incomplete: without the end of its
/// line, or with a checksum that is wrong. Everything behind the last message that can be read is such a rest.
struct InboxContents {
    /// The lines up to the last one that is a message, without their ends.
    private var lines: [ArraySlice<UInt8>] = []
    /// Where the last message ends, and the rest of one begins that was never acknowledged.
    private(set) var end = 0

    /// Computes the checksum of the last line, as a rule, and of no other.
    init(_ bytes: [UInt8]) {
        var start = 0
        while let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(bytes[start..<newline])
            start = newline + 1
        }
        while let last = lines.last, InboxMessage(record: last) == nil { lines.removeLast() }
        end = lines.last.map { $0.endIndex + 1 } ?? 0
    }

    /// About how many messages there are: lines that were damaged count as well.
    var count: Int { lines.count }

    /// The messages, oldest first.
    var messages: [InboxMessage] { lines.compactMap { InboxMessage(record: $0) } }

    /// The message of that id.
    func message(_ id: String) -> InboxMessage? {
        for line in lines where InboxMessage.isMessage(line, ofID: id) {
            if let message = InboxMessage(record: line) { return message }
        }
        return nil
    }
}
