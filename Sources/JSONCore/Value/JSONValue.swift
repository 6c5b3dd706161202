// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// One JSON value, kept so that writing it gives back what was read: order, repeated keys and spelling included.
///
/// Equality and hashing compare values, not spellings: `1.0` equals `1`, and `"\u0041"` equals `"A"`. The order of an
/// object's members counts. All comparisons of text are by Unicode scalar, so `"é"` and `"e\u{301}"` differ.
public enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, with its spelling.
    case number(JSONNumber)
    /// A string, with its spelling.
    case string(JSONString)
    /// An array.
    case array([JSONValue])
    /// An object, with its members in order.
    case object(JSONObject)
}

extension JSONValue {
    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The truth value, or nil when this is not a boolean.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number with its spelling, or nil when this is not a number.
    public var number: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The number as an `Int`, or nil when this is not a number or not exactly an `Int`.
    public var int: Int? { number?.int }

    /// The `Double` nearest to the number (infinite when out of range), or nil when this is not a number.
    public var double: Double? { number?.double }

    /// The text, or nil when this is not a string.
    public var string: String? {
        if case .string(let value) = self { value.value } else { nil }
    }

    /// The elements, or nil when this is not an array.
    public var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members, or nil when this is not an object.
    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member named `key` (the last one when repeated), or nil when there is none or this is not an object.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// The element at `index`, or nil when out of range or when this is not an array.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}
