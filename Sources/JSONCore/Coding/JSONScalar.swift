// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The types that Codable's containers know by name. One generic method serves all of them.
protocol JSONScalar: Codable {
    /// The value as this type, or nil when it is of another kind or not exactly representable.
    init?(json value: JSONValue)
    /// The value as JSON, or nil when JSON has no spelling for it.
    var json: JSONValue? { get }
    /// Whether this is read from a number.
    static var isNumeric: Bool { get }
}

extension JSONScalar {
    static var isNumeric: Bool { true }
}

extension JSONScalar where Self: FixedWidthInteger {
    @inline(__always)
    init?(json value: JSONValue) {
        guard case .number(let number) = value, let integer = number.exactly(Self.self) else { return nil }
        self = integer
    }

    var json: JSONValue? { .number(JSONNumber(self)) }
}

extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension Int128: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}
extension UInt128: JSONScalar {}

extension Double: JSONScalar {
    init?(json value: JSONValue) {
        guard case .number(let number) = value else { return nil }
        self = number.double
        if !isFinite { return nil }
    }

    var json: JSONValue? { JSONNumber(self).map(JSONValue.number) }
}

extension Float: JSONScalar {
    init?(json value: JSONValue) {
        guard case .number(let number) = value else { return nil }
        self = number.float
        if !isFinite { return nil }
    }

    var json: JSONValue? { JSONNumber(self).map(JSONValue.number) }
}

extension Bool: JSONScalar {
    init?(json value: JSONValue) {
        guard case .bool(let bool) = value else { return nil }
        self = bool
    }

    var json: JSONValue? { .bool(self) }
    static var isNumeric: Bool { false }
}

extension String: JSONScalar {
    @inline(__always)
    init?(json value: JSONValue) {
        guard case .string(let string) = value else { return nil }
        self = string.value
    }

    var json: JSONValue? { .string(JSONString(self)) }
    static var isNumeric: Bool { false }
}

extension JSONValue {
    /// The value's kind in words, for error messages: they never hold the value itself.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
