// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import Testing

struct SchemaTests {
    enum Priority: String, Codable, CaseIterable {
        case low, high
    }

    enum Size: Int, Codable, CaseIterable {
        case small = 1
        case big = 2
    }

    struct Customer: Codable, JSONSchemaDescribing {
        static let schemaDescriptions = ["email": "Where to reach the customer"]
        var email: String
        var age: UInt8?
    }

    struct Order: Codable, JSONSchemaDescribing {
        static let schemaDescriptions = ["id": "The order's number", "customer": "Who ordered"]

        enum CodingKeys: String, CodingKey {
            case id, total, paid, priority, size, customer, tags, notes, scores, extra, unique
            case sizes = "all_sizes"
        }

        var id: Int
        var total: Double
        var paid: Bool
        var priority: Priority
        var size: Size?
        var customer: Customer
        var tags: [String]
        var notes: String?
        var scores: [String: Float]
        var extra: JSONValue?
        var unique: Set<Int>
        var sizes: [Size?]
    }

    private func checkSchema<T: Decodable>(
        of type: T.Type,
        descriptions: [String: String] = [:],
        is expected: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let schema = try JSONSchema.describing(type, descriptions: descriptions)
        let indented = String(decoding: schema.bytes(.pretty), as: UTF8.self)
        #expect(schema.description == withoutWhitespace(expected), "\(indented)", sourceLocation: location)
    }

    @Test func `a struct with all kinds of properties has the expected schema`() throws {
        try checkSchema(
            of: Order.self,
            descriptions: ["notes": "Anything else", "id": "Number"],
            is: """
                {"type": "object", "properties": {
                    "id": {"type": "integer", "description": "Number"},
                    "total": {"type": "number"},
                    "paid": {"type": "boolean"},
                    "priority": {"type": "string", "enum": ["low", "high"]},
                    "size": {"type": "integer", "enum": [1, 2]},
                    "customer": {"type": "object", "properties": {
                        "email": {"type": "string", "description": "Where to reach the customer"},
                        "age": {"type": "integer"}
                    }, "required": ["email"], "additionalProperties": false, "description": "Who ordered"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "notes": {"type": "string", "description": "Anything else"},
                    "scores": {"type": "object", "additionalProperties": {"type": "number"}},
                    "extra": {},
                    "unique": {"type": "array", "items": {"type": "integer"}, "uniqueItems": true},
                    "all_sizes": {"type": "array", "items":
                        {"anyOf": [{"type": "integer", "enum": [1, 2]}, {"type": "null"}]}}
                }, "required": ["id", "total", "paid", "priority", "customer", "tags", "scores", "unique", "all_sizes"],
                "additionalProperties": false}
                """
        )
    }

    struct Empty: Codable {}

    struct Identifier: RawRepresentable, Codable {
        var rawValue: String
    }

    @Test func `other shapes have the expected schemas`() throws {
        let closed = #""required":[],"additionalProperties":false}"#
        try checkSchema(of: Empty.self, is: #"{"type":"object","properties":{},"# + closed)
        try checkSchema(of: [Identifier].self, is: #"{"type":"array","items":{"type":"string"}}"#)
        try checkSchema(of: Wrapped<[Int]>.self, is: #"{"type":"array","items":{"type":"integer"}}"#)
        try checkSchema(of: [Wrapped<Int128>].self, is: #"{"type":"array","items":{"type":"integer"}}"#)
        try checkSchema(of: Date.self, is: #"{"type":"number"}"#)
        try checkSchema(of: [Int: Bool].self, is: #"{"type":"object","additionalProperties":{"type":"boolean"}}"#)
        try checkSchema(
            of: Dog.self,
            is: """
                {"type":"object","properties":{"breed":{"type":"string"},
                "tricks":{"type":"array","items":{"type":"string"}},
                "super":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],
                "additionalProperties":false}},"required":["breed","tricks","super"],"additionalProperties":false}
                """
        )
        try checkSchema(
            of: Cat.self,
            is: """
                {"type":"object","properties":{"lives":{"type":"integer"},"name":{"type":"string"}},
                "required":["lives","name"],"additionalProperties":false}
                """
        )
    }

    @Test func `a value of the type has only what its schema allows`() throws {
        let schema = try JSONSchema.describing(Customer.self)
        let value = try JSONCoder.encode(Customer(email: "a@example.com", age: 3))
        for (key, _) in try #require(value.object) { #expect(schema["properties"]?[key] != nil) }
    }

    indirect enum Tree: Codable {
        case leaf
        case node(Tree, Tree)
    }

    final class Node: Codable {
        var next: Node?
        var children: [Node] = []
    }

    enum Plain: String, Codable {
        case one
    }

    struct Polymorphic: Decodable {
        enum CodingKeys: CodingKey {
            case kind, value
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let number = try? container.decode(Int.self, forKey: .value) { _ = number }
            if let text = try? container.decode(String.self, forKey: .value) { _ = text }
        }
    }

    struct Holder<Value: Codable>: Codable {
        var inner: [Value]
    }

    private func failure<T: Decodable>(of type: T.Type, descriptions: [String: String] = [:]) -> JSONError? {
        #expect(throws: JSONError.self) { try JSONSchema.describing(type, descriptions: descriptions) }
    }

    @Test func `what has no derivable schema is refused with advice`() throws {
        #expect(failure(of: Holder<Node>.self)?.code == .recursiveType)
        #expect(failure(of: Node.self)?.description.contains("Node.next leads back to Node") == true)
        for error in [
            failure(of: Tree.self), failure(of: Holder<Everything.Event>.self), failure(of: Polymorphic.self),
            failure(of: [Priority: Int].self), failure(of: UUID.self),
        ] {
            #expect(error?.code == .unsupportedShape)
            #expect(error?.description.contains("Supply a schema by hand") == true)
        }
        #expect(failure(of: Holder<Plain>.self)?.description.contains("Holder<Plain>.inner[]") == true)
        #expect(failure(of: Plain.self)?.description.contains("CaseIterable") == true)
        #expect(failure(of: Customer.self, descriptions: ["emial": "typo"])?.code == .unknownProperty)
    }

    enum Shape: Codable, Equatable, JSONSchemaProviding {
        case circle(radius: Double)

        static let jsonSchema: JSONValue = ["type": "object", "required": ["circle"]]
        static let jsonSchemaSample: JSONValue = ["circle": ["radius": 1]]
    }

    struct Wrong: Codable, JSONSchemaProviding {
        var a: Int
        static let jsonSchema: JSONValue = [:]
        static let jsonSchemaSample: JSONValue = "not a Wrong"
    }

    @Test func `a schema by hand is used, and its sample checked`() throws {
        try checkSchema(of: [Shape].self, is: #"{"type":"array","items":{"type":"object","required":["circle"]}}"#)
        #expect(try JSONSchema.describing(Holder<Shape>.self)["properties"]?["inner"]?["items"] == Shape.jsonSchema)
        #expect(failure(of: Wrong.self)?.description.contains("jsonSchemaSample") == true)
    }
}
