// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The standard library's generic types, whose schema follows from their parameters.
protocol ProbedContainer {
    static var emptySample: Self { get }
    static func schema(in context: ProbeContext, at path: String) throws -> JSONValue
}

extension Optional: ProbedContainer {
    static var emptySample: Self { nil }

    /// Optionals mostly come by `decodeIfPresent`, not here; here a null has its place, as in `[Int?]`.
    static func schema(in context: ProbeContext, at path: String) throws -> JSONValue {
        ["anyOf": [try context.schema(of: Wrapped.self, at: path), ["type": "null"]]]
    }
}

extension Array: ProbedContainer {
    static var emptySample: Self { [] }

    static func schema(in context: ProbeContext, at path: String) throws -> JSONValue {
        ["type": "array", "items": try context.schema(of: Element.self, at: path + "[]")]
    }
}

extension Set: ProbedContainer {
    static var emptySample: Self { [] }

    static func schema(in context: ProbeContext, at path: String) throws -> JSONValue {
        ["type": "array", "items": try context.schema(of: Element.self, at: path + "[]"), "uniqueItems": true]
    }
}

extension Dictionary: ProbedContainer {
    static var emptySample: Self { [:] }

    static func schema(in context: ProbeContext, at path: String) throws -> JSONValue {
        guard Key.self == String.self || Key.self == Int.self || Key.self is any CodingKeyRepresentable.Type else {
            throw context.fail(.unsupported(path, "a dictionary with \(Key.self) keys is an array in JSON."))
        }
        return ["type": "object", "additionalProperties": try context.schema(of: Value.self, at: path + "{}")]
    }
}
