// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The encoder of one value, and the value while it is being put together.
final class ValueEncoder: CodingNode, Encoder {
    /// A part that is finished, or one that its `superEncoder` or nested container may still add to.
    enum Part {
        case value(JSONValue)
        case node(ValueEncoder)
    }

    private enum Shape {
        case undecided, single, array, object
    }

    private var shape = Shape.undecided
    private var single = JSONValue.null
    /// The elements, or the members' values.
    private(set) var parts: [Part] = []
    private var keys: [String] = []
    /// Where each key is, once searching them in turn would make encoding quadratic.
    private var places: [JSONString: Int] = [:]
    private var misuse: String?

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        become(.object)
        return KeyedEncodingContainer(KeyedParts(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        become(.array)
        return UnkeyedParts(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func set(_ value: JSONValue) {
        become(.single)
        single = value
    }

    func append(_ part: Part) { parts.append(part) }

    func set(_ part: Part, named name: String) {
        if let place = place(of: name) {
            parts[place] = part
            return
        }
        if keys.count > 16 {
            if places.isEmpty { for (place, key) in keys.enumerated() { places[JSONString(key)] = place } }
            places[JSONString(name)] = keys.count
        }
        keys.append(name)
        parts.append(part)
    }

    /// The container begun earlier under this name, or a new one.
    func nested(named name: String, key: any CodingKey) -> ValueEncoder {
        if let place = place(of: name), case .node(let node) = parts[place] { return node }
        let node = ValueEncoder(parent: self, key: key)
        set(.node(node), named: name)
        return node
    }

    func encode<T: Encodable>(_ value: T, at key: any CodingKey) throws -> Part {
        let node = ValueEncoder(parent: self, key: key)
        try value.encode(to: node)
        return .value(try node.result(of: nil, isDictionary: T.self is any UnorderedMembers.Type))
    }

    func scalar<T: JSONScalar>(_ value: T, at key: (any CodingKey)?) throws -> JSONValue {
        if let json = value.json { return json }
        throw EncodingError.invalidValue(
            value,
            EncodingError.Context(
                codingPath: codingPath + (key.map { [$0] } ?? []),
                debugDescription: "JSON has no number that is infinite or not a number."
            )
        )
    }

    /// The finished value. `root` is the value given to the outermost encoder, which must have encoded something.
    func result(of root: (any Encodable)?, isDictionary: Bool = false) throws -> JSONValue {
        if let misuse { throw invalid(root, misuse) }
        switch shape {
        case .undecided:
            if let root { throw invalid(root, "The value encoded nothing.") }
            return .object(JSONObject())
        case .single: return single
        case .array: return .array(try parts.map { try $0.value() })
        case .object:
            var members: [JSONObject.Member] = []
            members.reserveCapacity(keys.count)
            for (key, part) in zip(keys, parts) {
                members.append(JSONObject.Member(key: JSONString(key), value: try part.value()))
            }
            if isDictionary { members.sort { $0.key.value < $1.key.value } }
            return .object(JSONObject(members: members, mayRepeatKeys: false))
        }
    }

    private func invalid(_ value: (any Encodable)?, _ text: String) -> EncodingError {
        .invalidValue(value as Any, EncodingError.Context(codingPath: codingPath, debugDescription: text))
    }

    /// Codable lets a type ask for a container without a way to refuse it; a wrong request fails at the end.
    private func become(_ other: Shape) {
        if shape != .undecided, shape != other || shape == .single {
            misuse = "The value asked its encoder for two containers that exclude each other."
        }
        shape = other
    }

    private func place(of name: String) -> Int? {
        places.isEmpty ? keys.firstIndex { $0.hasSameBytes(as: name) } : places[JSONString(name)]
    }
}

extension ValueEncoder.Part {
    func value() throws -> JSONValue {
        switch self {
        case .value(let value): value
        case .node(let node): try node.result(of: nil)
        }
    }
}

extension ValueEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { set(.null) }

    func encode<T: JSONScalar>(_ value: T) throws { set(try scalar(value, at: nil)) }

    func encode<T: Encodable>(_ value: T) throws {
        let node = ValueEncoder(parent: self, key: nil)
        try value.encode(to: node)
        set(try node.result(of: nil, isDictionary: T.self is any UnorderedMembers.Type))
    }
}

/// Collections without an order of their own: their members are sorted by key, so that equal values give equal bytes.
protocol UnorderedMembers {}

extension Dictionary: UnorderedMembers {}
