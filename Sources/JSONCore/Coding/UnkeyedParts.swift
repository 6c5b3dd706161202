// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// An unkeyed encoding container: an array under construction.
struct UnkeyedParts: UnkeyedEncodingContainer {
    let node: ValueEncoder

    var codingPath: [any CodingKey] { node.codingPath }

    var count: Int { node.parts.count }

    func encodeNil() throws { node.append(.value(.null)) }

    func encode<T: JSONScalar>(_ value: T) throws {
        node.append(.value(try node.scalar(value, at: PathKey(index: count))))
    }

    func encode<T: Encodable>(_ value: T) throws {
        node.append(try node.encode(value, at: PathKey(index: count)))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { nested() }

    private func nested() -> ValueEncoder {
        let nested = ValueEncoder(parent: node, key: PathKey(index: count))
        node.append(.node(nested))
        return nested
    }
}
