// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import Testing

struct SpellingTests {
    static let numbers = [
        "1.0", "1e5", "1E5", "1e+5", "-0", "-0.0", "0.10", "100", "1e-07", "12345678901234567890",
        String(repeating: "7", count: 400), "0." + String(repeating: "1", count: 400),
    ]

    @Test(arguments: numbers)
    func `a number keeps its spelling`(_ literal: String) throws {
        let value = try JSONValue(parsing: "[\(literal)]".utf8)
        #expect(value[0]?.number?.literal == literal)
        #expect(value.description == "[\(literal)]")
        #expect(JSONNumber(literal: literal)?.literal == literal)
    }

    @Test(arguments: ["", " 1", "1 ", "01", "1.", "+1", "0x1", "1e", "nan", "--1", "1_000", "١"])
    func `what is not a number is refused as a literal`(_ literal: String) {
        #expect(JSONNumber(literal: literal) == nil)
    }

    static let strings = [
        "\\u0041", "\\/", "\\u00e9", "\\u00E9", "é", "\\ud834\\udd1e", "\\n", "\\u000a", "\\u000A", "\\u0001",
        "\\u001f",
        "\\u001F", "\\u0022", "\\\"", "\\\\", "/", "a\\/b\\n", "\\u2028",
    ]

    @Test(arguments: strings)
    func `a string and a key keep their spelling`(_ spelling: String) throws {
        let text = "{\"\(spelling)\":\"\(spelling)\"}"
        let value = try JSONValue(parsing: text.utf8)
        #expect(value.description == text)
        let object = try #require(value.object)
        #expect(object.spelledKey(at: 0).spelling == spelling)
        guard case .string(let string) = object[0].value else { throw UnexpectedShape() }
        #expect(string.spelling == spelling)
    }

    @Test func `equality is by value and not by spelling`() throws {
        func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }
        let pairs = [
            ("1.0", "1"), ("1e2", "100"), ("-0", "0"), ("0.5", "5e-1"), ("0e99999999999999999999", "0"),
            ("9223372036854775807", "9223372036854775807.0"), ("\"\\u0041\"", "\"A\""), ("{\"\\/\":1}", "{\"/\":1e0}"),
        ]
        for (left, right) in pairs {
            #expect(try parse(left) == parse(right))
            #expect(try parse(left).hashValue == parse(right).hashValue)
        }
        let different = [
            ("1", "-1"), ("1", "1.0000000000000000000000000000001"), ("1", "\"1\""), ("\"é\"", "\"e\u{301}\""),
            ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"), ("1e99999999999999999999", "1e99999999999999999998"),
            ("[]", "{}"), ("[1]", "[1,1]"), ("9007199254740993", "9007199254740992"),
        ]
        for (left, right) in different { #expect(try parse(left) != parse(right)) }
    }

    @Test func `fresh strings are escaped as little as possible`() {
        let value: JSONValue = "\"\\/\u{08}\u{0C}\n\r\t\u{00}\u{1f}\u{7f}é𝄞\u{2028}"
        #expect(value.description == #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7f}é𝄞\u{2028}\"")
    }

    @Test func `the pretty layout is stable`() {
        let value: JSONValue = ["a": [], "b": [:], "c": [1, ["d": nil]]]
        let expected = """
            {
              "a": [],
              "b": {},
              "c": [
                1,
                {
                  "d": null
                }
              ]
            }
            """
        #expect(String(decoding: value.bytes(.pretty), as: UTF8.self) == expected)
    }

    @Test func `writing appends to what is there`() {
        var bytes = Array("data: ".utf8)
        (["a": 1] as JSONValue).write(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "data: {\"a\":1}")
    }

    @Test(arguments: 0..<400 as Range<UInt64>)
    func `a random document comes back byte for byte`(_ seed: UInt64) throws {
        let text = RandomDocument.text(seed: seed)
        let value = try JSONValue(parsing: text.utf8)
        let compact = value.description
        #expect(compact == withoutWhitespace(text))
        #expect(try JSONValue(parsing: compact.utf8) == value)
        let pretty = value.bytes(.pretty)
        #expect(withoutWhitespace(String(decoding: pretty, as: UTF8.self)) == compact)
        #expect(try JSONCoder.encode(value).description == compact)
        #expect(try JSONCoder.decode(JSONValue.self, from: pretty).description == compact)
    }
}

struct UnexpectedShape: Error {}
