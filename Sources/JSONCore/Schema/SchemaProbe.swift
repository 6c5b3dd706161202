// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A decoder that has no input: it notes what a type asks for, and answers with made-up values.
final class SchemaProbe: Decoder {
    enum Shape {
        case undecided, single, array, object
    }

    struct Property {
        var schema: Part
        var isRequired: Bool
    }

    /// A schema, or the probe of a nested container that will have one.
    enum Part {
        case schema(JSONValue)
        case probe(SchemaProbe)
    }

    let context: ProbeContext
    let path: String
    /// What a single value container answers, for an enum that accepts nothing else.
    let rawSample: JSONValue?

    private var shape = Shape.undecided
    private var names: [String] = []
    private var properties: [String: Property] = [:]
    /// Properties that the type looked for before it decoded them.
    private var lookedFor: Set<String> = []
    private(set) var item: Part?
    private var isNullable = false

    init(context: ProbeContext, path: String, rawSample: JSONValue? = nil) {
        self.context = context
        self.path = path
        self.rawSample = rawSample
    }

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try become(.object)
        return KeyedDecodingContainer(ProbedMembers(probe: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try become(.array)
        return ProbedElements(probe: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        try become(.single)
        return self
    }

    func nested(_ name: String) -> SchemaProbe { SchemaProbe(context: context, path: "\(path).\(name)") }

    func lookFor(_ name: String) { lookedFor.insert(name) }

    func note(_ part: Part, named name: String) throws {
        if let known = properties[name] {
            guard case .schema(let old) = known.schema, case .schema(let new) = part, old == new else {
                throw context.fail(.unsupported(path, "it decodes \"\(name)\" in more than one way."))
            }
        } else {
            names.append(name)
        }
        properties[name] = Property(schema: part, isRequired: !lookedFor.contains(name))
    }

    /// Notes an element, or the one value of a single value container.
    func note(item part: Part) throws {
        if let item {
            guard case .schema(let old) = item, case .schema(let new) = part, old == new else {
                throw context.fail(.unsupported(path, "it decodes values of more than one shape."))
            }
        }
        item = part
    }

    func schema(descriptions: [String: String] = [:], cases: [JSONValue]? = nil) throws -> JSONValue {
        let schema: JSONValue
        switch shape {
        case .undecided, .object: return try objectSchema(descriptions)
        case .array: schema = ["type": "array", "items": try item?.schema() ?? [:]]
        case .single:
            guard let single = try item?.schema() else {
                throw context.fail(.unsupported(path, "it decodes nothing."))
            }
            if var object = single.object, let cases {
                object["enum"] = .array(cases)
                schema = .object(object)
            } else {
                schema = single
            }
        }
        if let unknown = descriptions.keys.min() { throw context.fail(unknownProperty(unknown)) }
        return isNullable ? ["anyOf": [schema, ["type": "null"]]] : schema
    }

    private func objectSchema(_ descriptions: [String: String]) throws -> JSONValue {
        var members = JSONObject()
        var required: [JSONValue] = []
        for name in names {
            guard let property = properties[name] else { continue }
            var schema = try property.schema.schema()
            if let description = descriptions[name], var object = schema.object {
                object["description"] = JSONValue(description)
                schema = .object(object)
            }
            members[name] = schema
            if property.isRequired { required.append(JSONValue(name)) }
        }
        if let unknown = descriptions.keys.filter({ properties[$0] == nil }).min() {
            throw context.fail(unknownProperty(unknown))
        }
        return [
            "type": "object", "properties": .object(members), "required": .array(required),
            "additionalProperties": false,
        ]
    }

    private func unknownProperty(_ name: String) -> JSONError {
        JSONError(.unknownProperty, advice: "\(path) has no property \"\(name)\".")
    }

    private func become(_ other: Shape) throws {
        guard shape == .undecided || shape == other else {
            throw context.fail(.unsupported(path, "it asks for containers of more than one shape."))
        }
        shape = other
    }
}

extension SchemaProbe: SingleValueDecodingContainer {
    func decodeNil() -> Bool {
        isNullable = true
        return false
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try find(type) }

    func find<T: Decodable>(_ type: T.Type) throws -> T {
        let finding = try context.probe(type, at: path)
        try note(item: .schema(finding.schema))
        if let rawSample, let raw = try? JSONCoder.decode(type, from: rawSample) { return raw }
        return finding.sample
    }
}

extension SchemaProbe.Part {
    func schema() throws -> JSONValue {
        switch self {
        case .schema(let schema): schema
        case .probe(let probe): try probe.schema()
        }
    }
}
