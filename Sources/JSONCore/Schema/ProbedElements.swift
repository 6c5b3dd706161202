// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The unkeyed container of a schema probe: one element is enough to know them all.
struct ProbedElements: UnkeyedDecodingContainer {
    let probe: SchemaProbe
    private(set) var currentIndex = 0

    init(probe: SchemaProbe) {
        self.probe = probe
    }

    var codingPath: [any CodingKey] { [] }

    var count: Int? { nil }

    var isAtEnd: Bool { currentIndex > 0 }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try find(type) }

    mutating func find<T: Decodable>(_ type: T.Type) throws -> T {
        let finding = try probe.context.probe(type, at: "\(probe.path)[]")
        try probe.note(item: .schema(finding.schema))
        currentIndex += 1
        return finding.sample
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try nested().unkeyedContainer() }

    mutating func superDecoder() throws -> any Decoder { try nested() }

    private mutating func nested() throws -> SchemaProbe {
        let nested = probe.nested("[]")
        try probe.note(item: .probe(nested))
        currentIndex += 1
        return nested
    }
}
