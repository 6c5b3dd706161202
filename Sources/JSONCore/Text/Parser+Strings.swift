// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension Parser {
    /// Reads a string; the position is on its opening quotation mark.
    @inline(__always)
    mutating func string() throws(JSONError) -> JSONString {
        position += 1
        let start = position
        var isASCII = true
        skipPlainBytes(isASCII: &isASCII)
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        guard base[position] == UInt8(ascii: "\"") else { return try escapedString(from: start, isASCII: isASCII) }
        let text = try text(from: start, to: position, isASCII: isASCII)
        position += 1
        return JSONString(text)
    }

    /// Moves to the next quotation mark, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlainBytes(isASCII: inout Bool) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highBits: UInt64 = 0x8080_8080_8080_8080
        var high: UInt64 = 0
        while position + 8 <= count {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self))
            // A byte's high bit is set where a byte is below 0x20, a quotation mark or a backslash. A borrow can set
            // more of them, but only above the lowest, which is the one that counts.
            let quote = word ^ ones &* 0x22
            let backslash = word ^ ones &* 0x5C
            let found =
                ((word &- ones &* 0x20) & ~word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash)
                & highBits
            if found != 0 {
                let length = found.trailingZeroBitCount & ~7
                high |= word & (1 << UInt64(length) &- 1)
                position += length >> 3
                isASCII = isASCII && high & highBits == 0
                return
            }
            high |= word
            position += 8
        }
        while position < count {
            let byte = base[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            high |= UInt64(byte)
            position += 1
        }
        isASCII = isASCII && high & highBits == 0
    }

    @inline(__always)
    private func text(from start: Int, to end: Int, isASCII: Bool) throws(JSONError) -> String {
        let bytes = UnsafeBufferPointer(start: base + start, count: end - start)
        if isASCII { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw invalidUTF8(from: start, to: end) }
        return text
    }

    /// Reads on from the first byte of a string that is not plain: a backslash, or one that may not be there.
    @inline(never)
    private mutating func escapedString(from start: Int, isASCII: Bool) throws(JSONError) -> JSONString {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: UnsafeBufferPointer(start: base + start, count: position - start))
        var isASCII = isASCII
        var isCanonical = true
        while true {
            guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
            switch base[position] {
            case UInt8(ascii: "\""):
                let end = position
                position += 1
                guard let value = String(validating: scratch, as: UTF8.self) else {
                    throw invalidUTF8(from: start, to: end)
                }
                if isCanonical { return JSONString(value) }
                return JSONString(value: value, spelling: try text(from: start, to: end, isASCII: isASCII))
            case UInt8(ascii: "\\"):
                isCanonical = try escape() && isCanonical
            default:
                // Only UTF-8 before it makes this the first fault.
                _ = try text(from: start, to: position, isASCII: isASCII)
                throw JSONError(.controlCharacter, at: position)
            }
            let plain = position
            skipPlainBytes(isASCII: &isASCII)
            scratch.append(contentsOf: UnsafeBufferPointer(start: base + plain, count: position - plain))
        }
    }

    /// Reads one escape into the scratch bytes. Returns whether the writer would spell the character so.
    private mutating func escape() throws(JSONError) -> Bool {
        let start = position
        position += 1
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        let letter = base[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): scratch.append(letter)
        case UInt8(ascii: "/"):
            scratch.append(letter)
            return false
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw JSONError(.invalidEscape, at: start)
        }
        return true
    }

    private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Bool {
        let unit = try hexDigits(of: start)
        if let scalar = Unicode.Scalar(unit) {
            scratch.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
            return isCanonicalEscape(of: unit, at: start)
        }
        guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
        guard unit < 0xDC00, position + 1 < count, base[position] == UInt8(ascii: "\\"),
            base[position + 1] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        let second = position
        position += 2
        let low = try hexDigits(of: second)
        guard 0xDC00..<0xE000 ~= low,
            let scalar = Unicode.Scalar(0x1_0000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
        else { throw JSONError(.loneSurrogate, at: start) }
        scratch.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
        return false
    }

    /// Reads four hexadecimal digits; `start` is where their escape began.
    private mutating func hexDigits(of start: Int) throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < count else { throw JSONError(.unexpectedEnd, at: count) }
            switch base[position] {
            case let byte where byte &- UInt8(ascii: "0") <= 9: unit = unit << 4 | UInt16(byte & 0xF)
            case let byte where (byte | 0x20) &- UInt8(ascii: "a") <= 5: unit = unit << 4 | UInt16(byte & 0xF + 9)
            default: throw JSONError(.invalidEscape, at: start)
            }
            position += 1
        }
        return unit
    }

    private func isCanonicalEscape(of unit: UInt16, at start: Int) -> Bool {
        guard unit < 0x20, ![0x08, 0x09, 0x0A, 0x0C, 0x0D].contains(unit) else { return false }
        return base[start + 5] == Writer.hexDigit(UInt8(unit & 0xF))
    }

    /// The error for the first byte of `start..<end` that does not belong to well-formed UTF-8.
    @inline(never)
    private func invalidUTF8(from start: Int, to end: Int) -> JSONError {
        var low = 0
        let bytes = UnsafeBufferPointer(start: base + start, count: end - start)
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { low += UTF8.width(scalar) }
        return JSONError(.invalidUTF8, at: start + min(low, bytes.count))
    }
}
