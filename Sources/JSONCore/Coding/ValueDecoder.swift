// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The decoder of one value.
final class ValueDecoder: CodingNode, Decoder {
    let value: JSONValue
    /// Where the next key is likely to be: types mostly decode their keys in the order in which they were encoded.
    var expectedMember = 0

    init(_ value: JSONValue, parent: CodingNode?, key: (any CodingKey)?) {
        self.value = value
        super.init(parent: parent, key: key)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedMembers(node: self, members: try members()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        UnkeyedElements(node: self, elements: try elements())
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func members() throws -> [JSONObject.Member] {
        guard case .object(let object) = value else {
            throw failure(of: value, as: [String: JSONValue].self, at: nil)
        }
        return object.distinctMembers
    }

    func elements() throws -> [JSONValue] {
        guard case .array(let elements) = value else { throw failure(of: value, as: [JSONValue].self, at: nil) }
        return elements
    }

    /// Decodes `value`, which is at `key` under this node.
    @inline(__always)
    func decode<T: Decodable>(_ type: T.Type, from value: JSONValue, at key: @autoclosure () -> any CodingKey) throws
        -> T
    {
        // Elements of arrays come this way whatever their type: spare the common ones a decoder.
        if T.self == String.self, let text = String(json: value) { return unsafeBitCast(text, to: T.self) }
        if T.self == Int.self, let number = Int(json: value) { return unsafeBitCast(number, to: T.self) }
        if T.self == Double.self, let number = Double(json: value) { return unsafeBitCast(number, to: T.self) }
        return try T(from: ValueDecoder(value, parent: self, key: key()))
    }

    /// The error for a value that is not a `type`.
    @inline(never)
    func failure(of value: JSONValue, as type: any Any.Type, at key: (any CodingKey)?) -> DecodingError {
        let path = key.map { codingPath + [$0] } ?? codingPath
        func context(_ text: String) -> DecodingError.Context {
            DecodingError.Context(codingPath: path, debugDescription: text)
        }
        if value.isNull { return .valueNotFound(type, context("Expected \(type) but found null.")) }
        if case .number = value, let scalar = type as? any JSONScalar.Type, scalar.isNumeric {
            return .dataCorrupted(context("The number is not representable as \(type)."))
        }
        return .typeMismatch(type, context("Expected \(type) but found \(value.kind)."))
    }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }

    func decode<T: JSONScalar>(_ type: T.Type) throws -> T { try scalar() }

    func scalar<T: JSONScalar>() throws -> T {
        guard let result = T(json: value) else { throw failure(of: value, as: T.self, at: nil) }
        return result
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try T(from: self) }
}
