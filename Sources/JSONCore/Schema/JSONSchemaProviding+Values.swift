// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension JSONValue: JSONSchemaProviding {
    /// Anything.
    public static var jsonSchema: JSONValue { [:] }
    /// Null.
    public static var jsonSchemaSample: JSONValue { .null }
}

extension JSONObject: JSONSchemaProviding {
    /// Any object.
    public static var jsonSchema: JSONValue { ["type": "object"] }
    /// An empty object.
    public static var jsonSchemaSample: JSONValue { [:] }
}

extension JSONNumber: JSONSchemaProviding {
    /// Any number.
    public static var jsonSchema: JSONValue { ["type": "number"] }
    /// One.
    public static var jsonSchemaSample: JSONValue { 1 }
}

extension JSONString: JSONSchemaProviding {
    /// Any string.
    public static var jsonSchema: JSONValue { ["type": "string"] }
    /// A word.
    public static var jsonSchemaSample: JSONValue { "text" }
}
