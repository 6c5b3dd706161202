// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// An unkeyed decoding container: an array's elements, one after the other.
struct UnkeyedElements: UnkeyedDecodingContainer {
    let node: ValueDecoder
    let elements: [JSONValue]
    private(set) var currentIndex = 0

    init(node: ValueDecoder, elements: [JSONValue]) {
        self.node = node
        self.elements = elements
    }

    var codingPath: [any CodingKey] { node.codingPath }

    var count: Int? { elements.count }

    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try current(Never.self).isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: JSONScalar>(_ type: T.Type) throws -> T { try scalar() }

    mutating func scalar<T: JSONScalar>() throws -> T {
        let value = try current(T.self)
        guard let result = T(json: value) else {
            throw node.failure(of: value, as: T.self, at: PathKey(index: currentIndex))
        }
        currentIndex += 1
        return result
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let index = currentIndex
        let result = try node.decode(type, from: try current(type), at: PathKey(index: index))
        currentIndex += 1
        return result
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let container = try nested([String: JSONValue].self).container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try nested([JSONValue].self).unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try nested((any Decoder).self)
        currentIndex += 1
        return decoder
    }

    private func nested(_ type: any Any.Type) throws -> ValueDecoder {
        ValueDecoder(try current(type), parent: node, key: PathKey(index: currentIndex))
    }

    @inline(__always)
    private func current(_ type: any Any.Type) throws -> JSONValue {
        guard currentIndex < elements.count else {
            throw DecodingError.valueNotFound(
                type,
                DecodingError.Context(
                    codingPath: codingPath + [PathKey(index: currentIndex)],
                    debugDescription: "The array has no more elements."
                )
            )
        }
        return elements[currentIndex]
    }
}
