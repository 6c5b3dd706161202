// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What one derivation of a schema shares: the types being looked at, and the first failure.
final class ProbeContext {
    /// A type's schema, and an instance for `init(from:)` to go on with.
    typealias Finding<T> = (schema: JSONValue, sample: T)

    private var ancestors: [any Any.Type] = []
    private(set) var failure: JSONError?

    /// Notes a failure where Codable gives no way to throw one, or where the type might swallow it.
    @discardableResult
    func fail(_ error: JSONError) -> JSONError {
        if failure == nil { failure = error }
        return error
    }

    func probe<T: Decodable>(
        _ type: T.Type,
        at path: String,
        descriptions: [String: String] = [:]
    ) throws -> Finding<T> {
        if let known = type as? any JSONSchemaProviding.Type {
            do {
                return (known.jsonSchema, try JSONCoder.decode(type, from: known.jsonSchemaSample))
            } catch {
                throw fail(.unsupported(path, "\(type) does not decode its jsonSchemaSample.", cause: error))
            }
        }
        if let scalar = type as? any ProbedScalar.Type {
            return (scalar.probedSchema, try JSONCoder.decode(type, from: scalar.probedSample))
        }
        if let container = type as? any ProbedContainer.Type, let sample = container.emptySample as? T {
            return (try container.schema(in: self, at: path), sample)
        }
        return try watch(type, at: path, descriptions: descriptions)
    }

    /// The schema of a type that is only known at run time.
    func schema(of type: any Any.Type, at path: String) throws -> JSONValue {
        guard let type = type as? any Decodable.Type else {
            throw fail(.unsupported(path, "\(type) is not Decodable."))
        }
        return try probe(type, at: path).schema
    }

    private func watch<T: Decodable>(
        _ type: T.Type,
        at path: String,
        descriptions: [String: String]
    ) throws -> Finding<T> {
        guard !ancestors.contains(where: { $0 == type }) else {
            let advice = "Supply a schema by hand: conform the type to JSONSchemaProviding."
            throw fail(JSONError(.recursiveType, advice: "\(path) leads back to \(type). \(advice)"))
        }
        ancestors.append(type)
        defer { ancestors.removeLast() }

        let cases = (type as? any CaseIterable.Type)?.rawValues
        let probe = SchemaProbe(context: self, path: path, rawSample: cases?.first)
        let sample: T
        do {
            sample = try T(from: probe)
        } catch let error as JSONError {
            throw fail(error)
        } catch {
            throw fail(.unsupported(path, Self.reason(for: type, cases: cases), cause: error))
        }
        let own = (type as? any JSONSchemaDescribing.Type)?.schemaDescriptions ?? [:]
        let schema = try probe.schema(
            descriptions: own.merging(descriptions) { $1 },
            cases: cases
        )
        return (schema, sample)
    }

    private static func reason(for type: any Any.Type, cases: [JSONValue]?) -> String {
        if cases == nil, type is any RawRepresentable.Type {
            return "\(type) does not accept a made-up raw value. If it is an enum, conform it to CaseIterable."
        }
        return "\(type) does not accept made-up values, or chooses its shape by them."
    }
}

extension CaseIterable {
    /// The raw values of all cases when they are strings or integers.
    fileprivate static var rawValues: [JSONValue]? {
        var values: [JSONValue] = []
        for value in allCases {
            switch (value as? any RawRepresentable)?.rawValue {
            case let text as String: values.append(.string(JSONString(text)))
            case let number as any FixedWidthInteger: values.append(.number(JSONNumber(number)))
            default: return nil
            }
        }
        return values.isEmpty ? nil : values
    }
}
