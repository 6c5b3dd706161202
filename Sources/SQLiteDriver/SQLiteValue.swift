// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A value of one of SQLite's five storage classes, to bind to a parameter or read from a column.
public enum SQLiteValue: Hashable, Sendable {
    /// NULL.
    case null
    /// A signed 64-bit integer.
    case integer(Int64)
    /// A 64-bit floating-point number. NaN cannot be stored: SQLite would turn it into NULL, so binding it fails.
    case real(Double)
    /// Text, stored as UTF-8; it may contain NUL characters.
    case text(String)
    /// Bytes.
    case blob([UInt8])

    /// The integer, or NULL.
    public init(_ integer: Int64?) { self = integer.map { .integer($0) } ?? .null }
    /// The text, or NULL.
    public init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    /// The bytes, or NULL.
    public init(_ blob: [UInt8]?) { self = blob.map { .blob($0) } ?? .null }
}

extension SQLiteValue: ExpressibleByNilLiteral {
    /// `nil` is NULL.
    public init(nilLiteral: ()) { self = .null }
}

extension SQLiteValue: ExpressibleByIntegerLiteral {
    /// A whole number is an integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension SQLiteValue: ExpressibleByFloatLiteral {
    /// A number with a decimal point is a real.
    public init(floatLiteral value: Double) { self = .real(value) }
}

extension SQLiteValue: ExpressibleByStringLiteral {
    /// A string is text.
    public init(stringLiteral value: String) { self = .text(value) }
}
