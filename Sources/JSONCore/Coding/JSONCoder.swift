// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Codable types to and from JSON in one call: `try JSONCoder.decode(Order.self, from: body)`.
///
/// ``JSONValueDecoder`` and ``JSONValueEncoder`` do the same and carry a `userInfo`.
public enum JSONCoder {
    /// Decodes a type from JSON text.
    ///
    /// - Throws: `DecodingError`. When the text is not JSON this is `.dataCorrupted` with a ``JSONError`` underneath.
    public static func decode<T: Decodable>(
        _ type: T.Type = T.self,
        from bytes: some Collection<UInt8>,
        maximumDepth: Int = 512
    ) throws -> T {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, maximumDepth: maximumDepth)
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: error.description, underlyingError: error)
            )
        }
        return try decode(type, from: value)
    }

    /// Decodes a type from a JSON value.
    ///
    /// - Throws: `DecodingError`, or what the type's own `init(from:)` throws.
    public static func decode<T: Decodable>(_ type: T.Type = T.self, from value: JSONValue) throws -> T {
        try JSONValueDecoder().decode(type, from: value)
    }

    /// Encodes to a JSON value whose members are in the order in which the type encodes them.
    ///
    /// A dictionary has no order of its own; its members are sorted by key, so that equal values give equal bytes.
    ///
    /// - Throws: `EncodingError`, for infinite and not-a-number among others, or what `encode(to:)` throws.
    public static func encode(_ value: some Encodable) throws -> JSONValue {
        try JSONValueEncoder().encode(value)
    }

    /// Encodes to JSON text. Errors are those of ``encode(_:)``.
    public static func bytes(encoding value: some Encodable, _ format: JSONFormat = .compact) throws -> [UInt8] {
        try encode(value).bytes(format)
    }
}

/// Decodes Codable types from JSON values.
public struct JSONValueDecoder: Sendable {
    /// What the types being decoded find in their decoder's `userInfo`.
    public var userInfo: [CodingUserInfoKey: any Sendable]

    /// A decoder with this `userInfo`.
    public init(userInfo: [CodingUserInfoKey: any Sendable] = [:]) {
        self.userInfo = userInfo
    }

    /// Decodes a type from a JSON value.
    ///
    /// - Throws: `DecodingError`, or what the type's own `init(from:)` throws.
    public func decode<T: Decodable>(_ type: T.Type = T.self, from value: JSONValue) throws -> T {
        let node = ValueDecoder(value, parent: nil, key: nil)
        node.rootUserInfo = userInfo
        return try node.decode(type)
    }
}

/// Encodes Codable types to JSON values.
public struct JSONValueEncoder: Sendable {
    /// What the types being encoded find in their encoder's `userInfo`.
    public var userInfo: [CodingUserInfoKey: any Sendable]

    /// An encoder with this `userInfo`.
    public init(userInfo: [CodingUserInfoKey: any Sendable] = [:]) {
        self.userInfo = userInfo
    }

    /// Encodes to a JSON value; see ``JSONCoder/encode(_:)``.
    public func encode<T: Encodable>(_ value: T) throws -> JSONValue {
        let node = ValueEncoder(parent: nil, key: nil)
        node.rootUserInfo = userInfo
        try value.encode(to: node)
        return try node.result(of: value, isDictionary: T.self is any UnorderedMembers.Type)
    }
}
