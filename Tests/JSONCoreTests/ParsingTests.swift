// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import Testing

struct ParsingTests {
    struct Rejected: CustomTestStringConvertible, Sendable {
        let input: [UInt8]
        let code: JSONError.Code
        let offset: Int

        init(_ input: String, _ code: JSONError.Code, at offset: Int) {
            self.init(Array(input.utf8), code, at: offset)
        }

        init(_ input: [UInt8], _ code: JSONError.Code, at offset: Int) {
            self.input = input
            self.code = code
            self.offset = offset
        }

        var testDescription: String { String(decoding: input, as: UTF8.self) }
    }

    static let accepted: [String] = [
        "null", "true", "false", "0", "-0", "1", "-1", "10", "0.0", "-0.0e-0", "1e5", "1E+5", "1e-5", "123.456e78",
        "1e99999999999999999999", "0e99999999999999999999", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551616", "\"\"", "\" \"", "\"\\u0000\"", "\"\u{7F}\"", "\"é€𝄞\"",
        "\"\\ud834\\udd1e\"", "\"\\uFFFF\"", "\"\\uD7FF\\uE000\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\u{FEFF}\"",
        "[]",
        "{}", " \t\r\n[ \t\r\n] \t\r\n", "[[],{},[[]]]", "[null,1,\"\",true]", "{\"\":0}", "{\"a\":{\"b\":[{}]}}",
        "{\"a\":1,\"a\":2}", "{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }", "[1\n,2]", "\"\u{2028}\u{2029}\"", "\"a\u{301}\"",
        "[\"12345678\",\"1234567\",\"123456789\",\"1234567é\",\"12345678é\"]", "[-1.5E+10,0,0]",
    ]

    @Test(arguments: accepted)
    func `a valid document is accepted and written as it was`(_ text: String) throws {
        let value = try JSONValue(parsing: text.utf8)
        #expect(value.description == withoutWhitespace(text))
        #expect(try JSONValue(parsing: value.bytes(.pretty)) == value)
    }

    static let rejected: [Rejected] = [
        Rejected("", .emptyInput, at: 0), Rejected(" \n", .emptyInput, at: 2),
        Rejected("\u{FEFF}1", .byteOrderMark, at: 0), Rejected("\u{FEFF}", .byteOrderMark, at: 0),
        Rejected("1 2", .trailingBytes, at: 2), Rejected("{}}", .trailingBytes, at: 2),
        Rejected("[]\0", .trailingBytes, at: 2), Rejected("nullx", .trailingBytes, at: 4),
        Rejected("[1]\u{A0}", .trailingBytes, at: 3), Rejected("0x1", .trailingBytes, at: 1),
        Rejected("tru", .unexpectedEnd, at: 3), Rejected("trux", .unexpectedByte, at: 3),
        Rejected("nul", .unexpectedEnd, at: 3), Rejected("fals", .unexpectedEnd, at: 4),
        Rejected("True", .unexpectedByte, at: 0), Rejected("NaN", .unexpectedByte, at: 0),
        Rejected("Infinity", .unexpectedByte, at: 0), Rejected("-Infinity", .invalidNumber, at: 1),
        Rejected("01", .invalidNumber, at: 0), Rejected("-01", .invalidNumber, at: 1),
        Rejected("00", .invalidNumber, at: 0), Rejected("1.", .unexpectedEnd, at: 2),
        Rejected("1.e5", .invalidNumber, at: 2), Rejected(".5", .unexpectedByte, at: 0),
        Rejected("+1", .unexpectedByte, at: 0), Rejected("-", .unexpectedEnd, at: 1),
        Rejected("1e", .unexpectedEnd, at: 2), Rejected("1e+", .unexpectedEnd, at: 3),
        Rejected("[1e]", .invalidNumber, at: 3), Rejected("[-]", .invalidNumber, at: 2),
        Rejected("1e5.5", .trailingBytes, at: 3), Rejected("１", .unexpectedByte, at: 0),
        Rejected("[", .unexpectedEnd, at: 1), Rejected("]", .unexpectedByte, at: 0),
        Rejected("[1,]", .unexpectedByte, at: 3), Rejected("[,1]", .unexpectedByte, at: 1),
        Rejected("[1 2]", .unexpectedByte, at: 3), Rejected("[1,,2]", .unexpectedByte, at: 3),
        Rejected("[1", .unexpectedEnd, at: 2), Rejected("[1,", .unexpectedEnd, at: 3),
        Rejected("[1}", .unexpectedByte, at: 2), Rejected("{\"a\":1]", .unexpectedByte, at: 6),
        Rejected("{", .unexpectedEnd, at: 1), Rejected("{,}", .unexpectedByte, at: 1),
        Rejected("{\"a\"}", .unexpectedByte, at: 4), Rejected("{\"a\":}", .unexpectedByte, at: 5),
        Rejected("{\"a\":1,}", .unexpectedByte, at: 7), Rejected("{a:1}", .unexpectedByte, at: 1),
        Rejected("{'a':1}", .unexpectedByte, at: 1), Rejected("{1:1}", .unexpectedByte, at: 1),
        Rejected("{\"a\" 1}", .unexpectedByte, at: 5), Rejected("{\"a\"", .unexpectedEnd, at: 4),
        Rejected("{\"a\":1 \"b\":2}", .unexpectedByte, at: 7), Rejected("{\"a\":", .unexpectedEnd, at: 5),
        Rejected("/**/1", .unexpectedByte, at: 0), Rejected("[1//\n]", .unexpectedByte, at: 2),
        Rejected("\"", .unexpectedEnd, at: 1), Rejected("\"abc", .unexpectedEnd, at: 4),
        Rejected("\"\\", .unexpectedEnd, at: 2), Rejected("\"\\\"", .unexpectedEnd, at: 3),
        Rejected("\"\\x\"", .invalidEscape, at: 1), Rejected("\"a\\'\"", .invalidEscape, at: 2),
        Rejected("\"\\U0041\"", .invalidEscape, at: 1), Rejected("\"\\u00g0\"", .invalidEscape, at: 1),
        Rejected("\"\\u12\"", .invalidEscape, at: 1), Rejected("\"\\u12", .unexpectedEnd, at: 5),
        Rejected("\"\\ud800\"", .loneSurrogate, at: 1), Rejected("\"\\udc00\"", .loneSurrogate, at: 1),
        Rejected("\"\\ud800\\ud800\"", .loneSurrogate, at: 1), Rejected("\"a\\ud800\\n\"", .loneSurrogate, at: 2),
        Rejected("\"\\ud800a\"", .loneSurrogate, at: 1), Rejected("\"\\ud800\\u00\"", .invalidEscape, at: 7),
        Rejected("\"\\ud800", .unexpectedEnd, at: 7), Rejected("\"\n\"", .controlCharacter, at: 1),
        Rejected("\"12345678\t\"", .controlCharacter, at: 9), Rejected("\"\\n\0\"", .controlCharacter, at: 3),
        Rejected("{\"\u{1F}\":1}", .controlCharacter, at: 2),
        Rejected([0x22, 0xFF, 0x22], .invalidUTF8, at: 1),
        Rejected([0x22, 0x41, 0x80, 0x22], .invalidUTF8, at: 2),
        Rejected([0x22, 0xC0, 0xAF, 0x22], .invalidUTF8, at: 1),
        Rejected([0x22, 0xED, 0xA0, 0x80, 0x22], .invalidUTF8, at: 1),
        Rejected([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], .invalidUTF8, at: 1),
        Rejected([0x22, 0xC3, 0xA9, 0xE2, 0x82, 0x22], .invalidUTF8, at: 3),
        Rejected([0x22, 0x5C, 0x6E, 0xC3, 0x22], .invalidUTF8, at: 3),
        Rejected([0x22, 0x5C, 0x75, 0x30, 0x30, 0x34, 0x31, 0xFE, 0x22], .invalidUTF8, at: 7),
        Rejected([0x22, 0xFF, 0x0A, 0x22], .invalidUTF8, at: 1),
        Rejected([0xFF], .unexpectedByte, at: 0),
        Rejected([0x5B, 0x31, 0x00], .unexpectedByte, at: 2),
        // UTF-16 is not JSON's encoding.
        Rejected([0x5B, 0x00, 0x5D, 0x00], .unexpectedByte, at: 1),
    ]

    @Test(arguments: rejected)
    func `an invalid document is refused with its place`(_ rejected: Rejected) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: rejected.input) }
        #expect(error?.code == rejected.code)
        #expect(error?.byteOffset == rejected.offset)
        #expect(error?.isRetryable == false)
    }

    @Test(arguments: ["{\"a\":[1.5e+3,\"\\u0041é\\n\",true,null,{}]}"])
    func `no proper prefix of a document is a document`(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = try JSONValue(parsing: bytes)
        for length in bytes.indices {
            #expect(throws: JSONError.self) { try JSONValue(parsing: bytes[..<length]) }
        }
    }

    @Test func `an error says nothing about the content`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[\"secret\" x]".utf8) }
        #expect(error?.description == "JSON at byte 10: a byte that can not stand here")
    }

    @Test func `every kind of byte collection is read`() throws {
        let text = "[1,\"é\"]"
        let expected: JSONValue = [1, "é"]
        let bytes = Array(text.utf8)
        #expect(try JSONValue(parsing: bytes) == expected)
        #expect(try JSONValue(parsing: text.utf8) == expected)
        #expect(try JSONValue(parsing: ("x" + text).utf8.dropFirst()) == expected)
        #expect(try JSONValue(parsing: bytes[...]) == expected)
        #expect(try JSONValue(parsing: Array(bytes.reversed()).reversed() as ReversedCollection) == expected)
        #expect(try bytes.withUnsafeBytes { try JSONValue(parsing: $0) } == expected)
        #expect(try JSONValue(parsing: bytes.span.bytes) == expected)
        #expect(throws: JSONError.self) { try JSONValue(parsing: UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test(arguments: [0, 1, 2, 100, 512, JSONValue.maximumParsingDepth])
    func `nesting is allowed up to the limit and not beyond`(_ depth: Int) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(try JSONValue(parsing: nested(depth).utf8, maximumDepth: depth).description == nested(depth))
        let error = #expect(throws: JSONError.self) {
            try JSONValue(parsing: nested(depth + 1).utf8, maximumDepth: depth)
        }
        #expect(error?.code == .depthExceeded)
        #expect(error?.byteOffset == depth)
    }

    @Test func `nesting is limited whatever the caller allows`() {
        let text = String(repeating: "{\"a\":[", count: 100_000)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8, maximumDepth: .max) }
        #expect(error?.code == .depthExceeded)
        #expect(error?.byteOffset == 6 * JSONValue.maximumParsingDepth / 2)
    }
}
