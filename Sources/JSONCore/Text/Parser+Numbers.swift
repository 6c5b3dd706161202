// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension Parser {
    /// The number that all of `bytes` spell, or nil when they spell none.
    static func number(spelledBy bytes: UnsafeBufferPointer<UInt8>) -> JSONNumber? {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return nil }
        var parser = Parser(base: base, count: bytes.count, maximumDepth: 0)
        guard let number = try? parser.number(), parser.position == bytes.count else { return nil }
        return number
    }

    /// Reads a number; the position is on its first byte.
    mutating func number() throws(JSONError) -> JSONNumber {
        let start = position
        let isNegative = base[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }

        let firstDigit = position
        var magnitude = 0
        while let digit = digit() { magnitude = magnitude &* 10 &+ digit }
        let length = position - firstDigit
        guard length > 0 else { throw misspelled() }
        if length > 1, base[firstDigit] == UInt8(ascii: "0") { throw JSONError(.invalidNumber, at: firstDigit) }

        var isInteger = true
        if position < count, base[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if position < count, base[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < count, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }

        // Eighteen digits fit; negative zero is not an integer's spelling.
        if isInteger, length <= 18, !(isNegative && magnitude == 0) {
            return JSONNumber(isNegative ? -magnitude : magnitude)
        }
        let bytes = UnsafeBufferPointer(start: base + start, count: position - start)
        return JSONNumber(verified: String(decoding: bytes, as: UTF8.self))
    }

    @inline(__always)
    private mutating func digit() -> Int? {
        guard position < count else { return nil }
        let digit = base[position] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        position += 1
        return Int(digit)
    }

    private mutating func digits() throws(JSONError) {
        guard digit() != nil else { throw misspelled() }
        while digit() != nil {}
    }

    private func misspelled() -> JSONError {
        JSONError(position < count ? .invalidNumber : .unexpectedEnd, at: position)
    }
}
