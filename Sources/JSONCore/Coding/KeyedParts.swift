// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A keyed encoding container: an object under construction.
struct KeyedParts<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: ValueEncoder

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil(forKey key: Key) throws { node.set(.value(.null), named: key.stringValue) }

    func encode<T: JSONScalar>(_ value: T, forKey key: Key) throws {
        node.set(.value(try node.scalar(value, at: key)), named: key.stringValue)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        node.set(try node.encode(value, at: key), named: key.stringValue)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        node.nested(named: key.stringValue, key: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        node.nested(named: key.stringValue, key: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        node.nested(named: PathKey.superKey.stringValue, key: PathKey.superKey)
    }

    func superEncoder(forKey key: Key) -> any Encoder { node.nested(named: key.stringValue, key: key) }
}
