// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Writes values as RFC 8259 text.
enum Writer {
    static func append(_ value: JSONValue, _ format: JSONFormat, to bytes: inout [UInt8]) {
        var steps = Traversal(value)
        var layout = Layout(isPretty: format.isPretty)
        while let step = steps.next() {
            switch step {
            case .scalar(let value):
                layout.beginItem(&bytes)
                append(scalar: value, to: &bytes)
                layout.endItem()
            case .key(let key):
                layout.beginItem(&bytes)
                append(key, to: &bytes)
                layout.endKey(&bytes)
            case .beginArray: layout.begin(UInt8(ascii: "["), &bytes)
            case .endArray: layout.end(UInt8(ascii: "]"), &bytes)
            case .beginObject: layout.begin(UInt8(ascii: "{"), &bytes)
            case .endObject: layout.end(UInt8(ascii: "}"), &bytes)
            }
        }
    }

    /// What stands between the values.
    private struct Layout {
        let isPretty: Bool
        private var level = 0
        /// Whether an item of the same container was written before.
        private var followsItem = false
        private var followsKey = false

        init(isPretty: Bool) {
            self.isPretty = isPretty
        }

        @inline(__always)
        mutating func beginItem(_ bytes: inout [UInt8]) {
            if followsKey {
                followsKey = false
                return
            }
            if followsItem { bytes.append(UInt8(ascii: ",")) }
            if isPretty, level > 0 { breakLine(&bytes) }
        }

        mutating func endItem() { followsItem = true }

        mutating func endKey(_ bytes: inout [UInt8]) {
            followsKey = true
            bytes.append(UInt8(ascii: ":"))
            if isPretty { bytes.append(UInt8(ascii: " ")) }
        }

        mutating func begin(_ bracket: UInt8, _ bytes: inout [UInt8]) {
            beginItem(&bytes)
            bytes.append(bracket)
            level += 1
            followsItem = false
        }

        mutating func end(_ bracket: UInt8, _ bytes: inout [UInt8]) {
            level -= 1
            if isPretty, followsItem { breakLine(&bytes) }
            bytes.append(bracket)
            followsItem = true
        }

        private func breakLine(_ bytes: inout [UInt8]) {
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
        }
    }

    private static func append(scalar value: JSONValue, to bytes: inout [UInt8]) {
        switch value {
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): bytes.append(contentsOf: number.literal.utf8)
        case .string(let string): append(string, to: &bytes)
        case .null, .array, .object: bytes.append(contentsOf: "null".utf8)
        }
    }

    private static func append(_ string: JSONString, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        switch string.storage {
        case .plain(let value): appendCanonical(value, to: &bytes)
        case .respelled(let respelling): bytes.append(contentsOf: respelling.spelling.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `text` with only those characters escaped that JSON does not allow as they are.
    static func appendCanonical(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { buffer in
            var start = 0
            for index in buffer.indices {
                let byte = buffer[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: buffer[start..<index])
                appendEscape(of: byte, to: &bytes)
                start = index + 1
            }
            bytes.append(contentsOf: buffer[start...])
        }
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 0xF))
        default: bytes.append(byte)
        }
    }

    /// The lower-case hexadecimal digit for a value below 16.
    static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
