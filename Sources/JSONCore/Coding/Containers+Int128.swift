// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// The standard library's own methods for 128 bits throw, for coders from before there were any, and the compiler prefers
// them to generic methods. So these are spelled out.

extension KeyedMembers {
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try scalar(key) }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try scalar(key) }
}

extension UnkeyedElements {
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try scalar() }

    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try scalar() }
}

extension ValueDecoder {
    func decode(_ type: Int128.Type) throws -> Int128 { try scalar() }

    func decode(_ type: UInt128.Type) throws -> UInt128 { try scalar() }
}

extension KeyedParts {
    func encode(_ value: Int128, forKey key: Key) throws {
        node.set(.value(try node.scalar(value, at: key)), named: key.stringValue)
    }

    func encode(_ value: UInt128, forKey key: Key) throws {
        node.set(.value(try node.scalar(value, at: key)), named: key.stringValue)
    }
}

extension UnkeyedParts {
    func encode(_ value: Int128) throws { node.append(.value(try node.scalar(value, at: nil))) }

    func encode(_ value: UInt128) throws { node.append(.value(try node.scalar(value, at: nil))) }
}

extension ValueEncoder {
    func encode(_ value: Int128) throws { set(try scalar(value, at: nil)) }

    func encode(_ value: UInt128) throws { set(try scalar(value, at: nil)) }
}

extension ProbedMembers {
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try find(type, key) }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try find(type, key) }
}

extension ProbedElements {
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try find(type) }

    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try find(type) }
}

extension SchemaProbe {
    func decode(_ type: Int128.Type) throws -> Int128 { try find(type) }

    func decode(_ type: UInt128.Type) throws -> UInt128 { try find(type) }
}
