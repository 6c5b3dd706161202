// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A keyed decoding container: an object's members.
struct KeyedMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: ValueDecoder
    /// No two of them have the same key.
    let members: [JSONObject.Member]

    var codingPath: [any CodingKey] { node.codingPath }

    var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key.value) } }

    func contains(_ key: Key) -> Bool { value(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try required(key).isNull }

    func decode<T: JSONScalar>(_ type: T.Type, forKey key: Key) throws -> T { try scalar(key) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try node.decode(type, from: try required(key), at: key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let value = value(key), !value.isNull else { return nil }
        return try node.decode(type, from: value, at: key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try ValueDecoder(try required(key), parent: node, key: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try ValueDecoder(try required(key), parent: node, key: key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        ValueDecoder(value(named: PathKey.superKey.stringValue) ?? .null, parent: node, key: PathKey.superKey)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        ValueDecoder(value(key) ?? .null, parent: node, key: key)
    }

    @inline(__always)
    func scalar<T: JSONScalar>(_ key: Key) throws -> T {
        let value = try required(key)
        if let result = T(json: value) { return result }
        throw node.failure(of: value, as: T.self, at: key)
    }

    @inline(__always)
    func scalarIfPresent<T: JSONScalar>(_ key: Key) throws -> T? {
        guard let value = value(key), !value.isNull else { return nil }
        if let result = T(json: value) { return result }
        throw node.failure(of: value, as: T.self, at: key)
    }

    @inline(__always)
    private func value(_ key: Key) -> JSONValue? { value(named: key.stringValue) }

    @inline(__always)
    private func value(named name: String) -> JSONValue? {
        let expected = node.expectedMember
        if expected < members.count, members[expected].key.value.hasSameBytes(as: name) {
            node.expectedMember = expected + 1
            return members[expected].value
        }
        return search(name)
    }

    @inline(never)
    private func search(_ name: String) -> JSONValue? {
        guard let index = members.firstIndex(where: { $0.key.value.hasSameBytes(as: name) }) else { return nil }
        node.expectedMember = index + 1
        return members[index].value
    }

    @inline(__always)
    private func required(_ key: Key) throws -> JSONValue {
        if let value = value(key) { return value }
        throw missing(key)
    }

    @inline(never)
    private func missing(_ key: Key) -> DecodingError {
        .keyNotFound(
            key,
            DecodingError.Context(codingPath: codingPath, debugDescription: "No member named \"\(key.stringValue)\".")
        )
    }
}
