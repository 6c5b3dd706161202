// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The keyed container of a schema probe.
struct ProbedMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let probe: SchemaProbe

    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] {
        probe.context.fail(.unsupported(probe.path, "it looks which keys are there (enums with payloads do)."))
        return []
    }

    /// `decodeIfPresent` comes here first.
    func contains(_ key: Key) -> Bool {
        probe.lookFor(key.stringValue)
        return true
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        probe.lookFor(key.stringValue)
        return false
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try find(type, key) }

    func find<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T {
        let finding = try probe.context.probe(type, at: "\(probe.path).\(key.stringValue)")
        try probe.note(.schema(finding.schema), named: key.stringValue)
        return finding.sample
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key.stringValue).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try nested(PathKey.superKey.stringValue) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try nested(key.stringValue) }

    private func nested(_ name: String) throws -> SchemaProbe {
        let nested = probe.nested(name)
        try probe.note(.probe(nested), named: name)
        return nested
    }
}
