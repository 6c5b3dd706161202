// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A JSON number that keeps the digits it was spelled with, however many.
///
/// Equality and hashing are by mathematical value, so `1.0`, `1` and `10e-1` are equal, and so are `0` and `-0`.
/// (Numbers with an exponent beyond ±2⁶⁰ are compared by spelling.)
public struct JSONNumber: Sendable {
    enum Storage: Sendable {
        /// An integer in its shortest spelling, which is never `-0`.
        case integer(Int)
        /// Anything else, as spelled. Up to 15 bytes a `String` needs no allocation.
        case literal(String)
    }

    let storage: Storage

    /// An integer.
    public init(_ value: Int) {
        storage = .integer(value)
    }

    /// The shortest decimal that reads back as `value`, or nil when `value` is infinite or not a number.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        storage = .literal(value.description)
    }

    /// The number spelled by `literal`, or nil when that is not a JSON number.
    public init?(literal: String) {
        var literal = literal
        let number = literal.withUTF8 { Parser.number(spelledBy: $0) }
        guard let number else { return nil }
        self = number
    }

    init?(_ value: Float) {
        guard value.isFinite else { return nil }
        storage = .literal(value.description)
    }

    init(_ value: some FixedWidthInteger) {
        if let value = Int(exactly: value) {
            storage = .integer(value)
        } else {
            storage = .literal(String(value))
        }
    }

    init(verified literal: String) {
        storage = .literal(literal)
    }

    /// The number as it is written.
    public var literal: String {
        switch storage {
        case .integer(let value): String(value)
        case .literal(let literal): literal
        }
    }

    /// The number as an `Int` when it is exactly one; `1.0` and `1e2` are.
    public var int: Int? { exactly(Int.self) }

    /// The number in an integer type when it is exactly representable there.
    public func exactly<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        switch storage {
        case .integer(let value): T(exactly: value)
        case .literal(let literal): Decimal(literal).exactly(type)
        }
    }

    /// The nearest `Double`; infinite when the number is beyond the range of `Double`.
    public var double: Double {
        switch storage {
        case .integer(let value): Double(value)
        case .literal(let literal): Self.shortDouble(literal) ?? Double(literal) ?? .nan
        }
    }

    var float: Float {
        switch storage {
        case .integer(let value): Float(value)
        case .literal(let literal): Float(literal) ?? .nan
        }
    }
}

extension JSONNumber: Hashable {
    /// Whether both are the same number.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        if case .integer(let left) = left.storage, case .integer(let right) = right.storage { return left == right }
        return Decimal(left.literal) == Decimal(right.literal)
    }

    /// Hashes the mathematical value.
    public func hash(into hasher: inout Hasher) {
        if let int {
            hasher.combine(int)
        } else {
            hasher.combine(Decimal(literal))
        }
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// An integer.
    public init(integerLiteral value: Int) { self.init(value) }

    /// The number as it is written.
    public var description: String { literal }
}
