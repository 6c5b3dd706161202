// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The standard alphabet with padding (RFC 4648, section 4), for the bytes in archives.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each digit; 64 for what is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 64, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    static func encode(_ bytes: [UInt8]) -> String {
        let alphabet = alphabet
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var end = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - start)
                var bits: UInt32 = 0
                for index in 0..<3 { bits = bits << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
                for index in 0..<4 {
                    let digit = alphabet[Int(bits >> UInt32(18 - 6 * index) & 0x3F)]
                    text[end] = index <= count ? digit : UInt8(ascii: "=")
                    end += 1
                }
            }
            return end
        }
    }

    /// Nil for what ``encode(_:)`` does not write.
    static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { digits in
            guard digits.count.isMultiple(of: 4) else { return nil }
            let padding = digits.suffix(2).count { $0 == UInt8(ascii: "=") }
            let values = values
            var bytes: [UInt8] = []
            bytes.reserveCapacity(digits.count / 4 * 3)
            var bits: UInt32 = 0
            for (index, digit) in digits.enumerated() {
                let isPadding = index >= digits.count - padding
                let value = isPadding ? 0 : values[Int(digit)]
                // A padding digit that is none, or one in the wrong place.
                if value == 64 || isPadding != (digit == UInt8(ascii: "=")) { return nil }
                bits = bits << 6 | UInt32(value)
                guard index % 4 == 3 else { continue }
                for shift in [UInt32(16), 8, 0] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
                bits = 0
            }
            // The bits that belong to no byte are zero.
            guard bytes.suffix(padding).allSatisfy({ $0 == 0 }) else { return nil }
            bytes.removeLast(padding)
            return bytes
        }
    }
}
