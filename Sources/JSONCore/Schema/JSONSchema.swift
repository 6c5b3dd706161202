// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// JSON Schema of Decodable types, found out by watching how a type decodes itself.
///
/// Structs, classes, optionals, arrays, sets, dictionaries with string keys, numbers, strings, booleans and enums with
/// raw values are understood. A type that chooses between shapes (an enum with payloads, say) has to conform to
/// ``JSONSchemaProviding``.
public enum JSONSchema {
    /// The schema of what `type` decodes.
    ///
    /// The type's `init(from:)` is run with made-up values: `"text"`, 1, false and empty collections.
    ///
    /// - Parameter descriptions: Property name to description, for the properties of `type` itself. They come before
    ///   those of ``JSONSchemaDescribing``.
    /// - Throws: ``JSONError`` with `.unsupportedShape`, `.recursiveType` or `.unknownProperty`, and advice.
    public static func describing<T: Decodable>(
        _ type: T.Type,
        descriptions: [String: String] = [:]
    ) throws(JSONError) -> JSONValue {
        let context = ProbeContext()
        do {
            let schema = try context.probe(type, at: "\(type)", descriptions: descriptions).schema
            // Also when the type swallowed it, as `try?` does.
            if let failure = context.failure { throw failure }
            return schema
        } catch let error as JSONError {
            throw context.failure ?? error
        } catch {
            throw context.failure ?? .unsupported("\(type)", "its init(from:) throws.", cause: error)
        }
    }
}

/// A type that describes its properties in its schema.
public protocol JSONSchemaDescribing {
    /// Property name (as in the JSON) to description.
    static var schemaDescriptions: [String: String] { get }
}

/// A type whose schema is written by hand, because it can not be derived from how the type decodes itself.
public protocol JSONSchemaProviding: Decodable {
    /// The schema.
    static var jsonSchema: JSONValue { get }
    /// Any value that the type decodes; needed when a type that contains this one is described.
    static var jsonSchemaSample: JSONValue { get }
}

extension JSONError {
    static func unsupported(_ path: String, _ reason: String, cause: (any Error)? = nil) -> JSONError {
        JSONError(
            .unsupportedShape,
            advice: "\(path): \(reason) Supply a schema by hand: conform the type to JSONSchemaProviding.",
            cause: cause
        )
    }
}
