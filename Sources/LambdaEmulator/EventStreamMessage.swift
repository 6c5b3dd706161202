// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore

/// One message of `application/vnd.amazon.eventstream`.
///
///     total length u32 │ headers length u32 │ CRC-32 of these 8 bytes │ headers │ payload │ CRC-32 of all before
///
/// All numbers are big-endian. A header is the length of its name u8, the name, the type u8 (7, a string, is all we
/// write), the length of the value u16, the value.
struct EventStreamMessage {
    /// The names and values are short: a name under 256 bytes, a value under 65 536.
    var headers: KeyValuePairs<String, String>
    var payload: ByteBuffer

    /// An event of an operation's output.
    static func event(_ type: String, contentType: String, payload: ByteBuffer) -> EventStreamMessage {
        EventStreamMessage(
            headers: [":message-type": "event", ":event-type": type, ":content-type": contentType], payload: payload)
    }

    var encoded: ByteBuffer {
        var fields = ByteBuffer()
        for (name, value) in headers {
            fields.writeInteger(UInt8(truncatingIfNeeded: name.utf8.count))
            fields.writeString(name)
            fields.writeInteger(7, as: UInt8.self)
            fields.writeInteger(UInt16(truncatingIfNeeded: value.utf8.count))
            fields.writeString(value)
        }
        var message = ByteBuffer()
        message.reserveCapacity(16 + fields.readableBytes + payload.readableBytes)
        message.writeInteger(UInt32(truncatingIfNeeded: 16 + fields.readableBytes + payload.readableBytes))
        message.writeInteger(UInt32(truncatingIfNeeded: fields.readableBytes))
        message.writeInteger(CRC32.checksum(message.readableBytesView))
        message.writeImmutableBuffer(fields)
        message.writeImmutableBuffer(payload)
        message.writeInteger(CRC32.checksum(message.readableBytesView))
        return message
    }
}

/// The checksum of zlib, Ethernet and the event stream (polynomial 0x04C11DB7, reflected).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            ~bytes.reduce(UInt32.max) { value, byte in
                value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
            }
        }
    }
}
