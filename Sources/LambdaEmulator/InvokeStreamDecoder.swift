// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore

/// Reads the answer of InvokeWithResponseStream, `application/vnd.amazon.eventstream`, cut anywhere.
public struct InvokeStreamDecoder: Sendable {
    /// One message of the answer.
    public enum Message: Sendable, Hashable {
        /// `PayloadChunk`: bytes of what the function said.
        case payload([UInt8])
        /// `InvokeComplete`, the last one: JSON with `ErrorCode` and `ErrorDetails` where the function failed.
        case complete([UInt8])
    }

    /// The bytes are no such answer.
    public struct Malformed: Error, Sendable, CustomStringConvertible {
        let reason: String
        /// What is wrong with them.
        public var description: String { "not an event stream: \(reason)" }
    }

    /// The most bytes of one message, as the format has it: 16 MiB of payload and 128 KiB of headers.
    private static let maximumLength = 16 + (16 << 20) + (128 << 10)

    private var buffer = ByteBuffer()

    /// Makes a decoder at the beginning of an answer.
    public init() {}

    /// Whether bytes were read since the last whole message.
    public var hasIncompleteMessage: Bool { buffer.readableBytes > 0 }

    /// Adds bytes and returns the messages that are whole with them. Messages of other types are passed over.
    public mutating func decode(_ bytes: [UInt8]) throws(Malformed) -> [Message] {
        buffer.discardReadBytes()
        buffer.writeBytes(bytes)
        var messages: [Message] = []
        while let prelude = buffer.getBytes(at: buffer.readerIndex, length: 8),
            let sum = buffer.getInteger(at: buffer.readerIndex + 8, as: UInt32.self)
        {
            guard CRC32.checksum(prelude) == sum else { throw Malformed(reason: "a wrong checksum of lengths") }
            let length = Int(buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) ?? 0)
            let headerLength = Int(buffer.getInteger(at: buffer.readerIndex + 4, as: UInt32.self) ?? 0)
            guard (16...Self.maximumLength).contains(length), headerLength <= length - 16 else {
                throw Malformed(reason: "impossible lengths")
            }
            guard var message = buffer.readSlice(length: length) else { break }
            guard CRC32.checksum(message.readableBytesView.dropLast(4)) == message.trailingInteger else {
                throw Malformed(reason: "a wrong checksum")
            }
            message.moveReaderIndex(forwardBy: 12)
            guard var headers = message.readSlice(length: headerLength),
                let payload = message.readBytes(length: message.readableBytes - 4)
            else { throw Malformed(reason: "impossible lengths") }
            switch try Self.eventType(&headers) {
            case "PayloadChunk": messages.append(.payload(payload))
            case "InvokeComplete": messages.append(.complete(payload))
            default: break
            }
        }
        return messages
    }

    /// The value of `:event-type`. Values are strings, all that this operation has.
    private static func eventType(_ headers: inout ByteBuffer) throws(Malformed) -> String? {
        var type: String?
        while headers.readableBytes > 0 {
            guard let nameLength = headers.readInteger(as: UInt8.self),
                let name = headers.readString(length: Int(nameLength)), headers.readInteger(as: UInt8.self) == 7,
                let length = headers.readInteger(as: UInt16.self), let value = headers.readString(length: Int(length))
            else { throw Malformed(reason: "a header that is not a string") }
            if name == ":event-type" { type = value }
        }
        return type
    }
}

extension ByteBuffer {
    /// The last four bytes.
    fileprivate var trailingInteger: UInt32? { getInteger(at: writerIndex - 4) }
}
