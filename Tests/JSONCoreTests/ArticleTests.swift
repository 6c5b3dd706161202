// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import Testing

struct ArticleTests {
    struct Order: Codable {
        var id: Int
        var note: String?
    }

    @Test func `the article's example does what it says`() throws {
        let body: JSONValue = [
            "model": "small", "temperature": 1.0, "messages": [["role": "user", "content": "Hello"]],
        ]
        let bytes = body.bytes()
        let again = try JSONValue(parsing: bytes)
        let role = again["messages"]?[0]?["role"]?.string
        #expect(role == "user")
        #expect(again.bytes() == bytes)

        let order = try JSONCoder.decode(Order.self, from: #"{"id":7}"#.utf8)
        let value = try JSONCoder.encode(order)
        #expect(value == ["id": 7])
        let schema = try JSONSchema.describing(Order.self, descriptions: ["id": "The order's number"])
        #expect(schema["required"] == ["id"])
        #expect(schema["properties"]?["id"]?["description"] == "The order's number")
    }
}
