// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension JSONValue: Codable {
    /// Takes the value as it is from this module's decoders; other decoders are asked what they have.
    ///
    /// - Throws: `DecodingError`.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? ValueDecoder {
            self = decoder.value
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .number(JSONNumber(value))
        } else if let value = try? container.decode(UInt64.self) {
            self = .number(JSONNumber(value))
        } else if let value = try? container.decode(Double.self), let number = JSONNumber(value) {
            self = .number(number)
        } else if let value = try? container.decode(String.self) {
            self = .string(JSONString(value))
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            let members = try container.decode([String: JSONValue].self)
            self = .object(JSONObject(members.sorted { $0.key < $1.key }.lazy.map { (key: $0.key, value: $0.value) }))
        }
    }

    /// Gives the value as it is to this module's encoders; other encoders lose spelling, and perhaps the order.
    ///
    /// - Throws: `EncodingError`.
    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? ValueEncoder {
            encoder.set(self)
            return
        }
        switch self {
        case .object(let object):
            var container = encoder.container(keyedBy: PathKey.self)
            for (key, value) in object { try container.encode(value, forKey: PathKey(key)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .string(let value): try container.encode(value.value)
            case .number(let value):
                if let integer = value.int {
                    try container.encode(integer)
                } else if let integer = value.exactly(UInt64.self) {
                    try container.encode(integer)
                } else {
                    try container.encode(value.double)
                }
            case .null, .object, .array: try container.encodeNil()
            }
        }
    }
}

/// The kinds of value that can stand for themselves in a Codable type.
protocol JSONValueKind: Codable {
    init?(kindOf value: JSONValue)
    var wrapped: JSONValue { get }
}

extension JSONValueKind {
    /// Takes the value with its spelling.
    ///
    /// - Throws: `DecodingError` when the value is of another kind.
    public init(from decoder: any Decoder) throws {
        let value = try JSONValue(from: decoder)
        guard let result = Self(kindOf: value) else {
            throw DecodingError.typeMismatch(
                Self.self,
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "Expected \(Self.self) but found \(value.kind)."
                )
            )
        }
        self = result
    }

    /// Gives the value with its spelling.
    ///
    /// - Throws: `EncodingError`.
    public func encode(to encoder: any Encoder) throws { try wrapped.encode(to: encoder) }
}

extension JSONObject: JSONValueKind {
    init?(kindOf value: JSONValue) {
        guard let object = value.object else { return nil }
        self = object
    }

    var wrapped: JSONValue { .object(self) }
}

extension JSONNumber: JSONValueKind {
    init?(kindOf value: JSONValue) {
        guard let number = value.number else { return nil }
        self = number
    }

    var wrapped: JSONValue { .number(self) }
}

extension JSONString: JSONValueKind {
    init?(kindOf value: JSONValue) {
        guard case .string(let string) = value else { return nil }
        self = string
    }

    var wrapped: JSONValue { .string(self) }
}
