// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension JSONNumber {
    /// A number's normal form: `±digits · 10^exponent` with neither leading nor trailing zeros. Zero has no digits.
    struct Decimal: Hashable {
        private(set) var isNegative = false
        private(set) var digits: [UInt8] = []
        private(set) var exponent = 0
        /// Set when the exponent is too large to count with: such numbers are told apart by spelling.
        private(set) var uncounted: String?

        /// `literal` must be a JSON number.
        init(_ literal: String) {
            var pointSeen = false
            var bytes = literal.utf8[...]
            if bytes.first == UInt8(ascii: "-") {
                isNegative = true
                bytes = bytes.dropFirst()
            }
            while let byte = bytes.popFirst() {
                if byte == UInt8(ascii: ".") {
                    pointSeen = true
                } else if byte | 0x20 == UInt8(ascii: "e") {
                    break
                } else {
                    if pointSeen { exponent -= 1 }
                    if byte != UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte - UInt8(ascii: "0")) }
                }
            }
            while digits.last == 0 {
                digits.removeLast()
                exponent += 1
            }
            if digits.isEmpty {
                self = Decimal()
                return
            }
            if !bytes.isEmpty, let power = Int(Substring(bytes)), power.magnitude < 1 << 60 {
                exponent += power
            } else if !bytes.isEmpty {
                uncounted = literal
            }
        }

        private init() {}

        func exactly<T: FixedWidthInteger>(_ type: T.Type) -> T? {
            // 10^n > 2^n: more digits than bits can not fit, and need not be multiplied out.
            guard uncounted == nil, exponent >= 0, exponent < T.bitWidth, digits.count <= T.bitWidth else { return nil }
            var result: T = 0
            for digit in digits {
                guard let next = result.timesTen(adding: digit, negative: isNegative) else { return nil }
                result = next
            }
            for _ in 0..<(digits.isEmpty ? 0 : exponent) {
                guard let next = result.timesTen(adding: 0, negative: isNegative) else { return nil }
                result = next
            }
            return result
        }
    }

    /// The `Double` of a literal with a short significand and a small power of ten, or nil for others.
    ///
    /// Integers up to 2⁵³ and powers of ten up to 10²² are exact, so the one division or multiplication rounds once
    /// and correctly (Clinger, "How to Read Floating Point Numbers Accurately", 1990).
    static func shortDouble(_ literal: String) -> Double? {
        var significand: UInt64 = 0
        var scale = 0
        var isNegative = false
        var pointSeen = false
        var count = 0
        for byte in literal.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                count += 1
                guard count <= 18 else { return nil }
                significand = significand &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                if pointSeen { scale += 1 }
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): pointSeen = true
            default: return nil
            }
        }
        guard significand <= 1 << 53, scale < powersOfTen.count else { return nil }
        let result = Double(significand) / powersOfTen[scale]
        return isNegative ? -result : result
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}

extension FixedWidthInteger {
    /// `self * 10 ± digit`, or nil on overflow. Counting downwards is what reaches the smallest negative value.
    fileprivate func timesTen(adding digit: UInt8, negative: Bool) -> Self? {
        let (product, overflow) = multipliedReportingOverflow(by: 10)
        let digit = Self(truncatingIfNeeded: digit)
        let (sum, carry) =
            negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
        return overflow || carry ? nil : sum
    }
}
