// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import Testing

struct CodableTests {
    /// Both directions, and across: what one side writes the other reads.
    private func crossCheck<T: Codable>(_ value: T, equal: (T, T) -> Bool) throws {
        let ours = try JSONCoder.encode(value)
        #expect(equal(try JSONCoder.decode(T.self, from: ours), value))
        #expect(equal(try JSONCoder.decode(T.self, from: ours.bytes(.pretty)), value))
        #expect(equal(try JSONDecoder().decode(T.self, from: Data(ours.bytes())), value))
        #expect(equal(try JSONCoder.decode(T.self, from: try JSONEncoder().encode(value)), value))
    }

    @Test func `all synthesised shapes agree with Foundation`() throws {
        try crossCheck(Everything(), equal: ==)
        try crossCheck(Nested(), equal: ==)
        try crossCheck([Wrapped(1.5), Wrapped(-2)], equal: ==)
        try crossCheck(Wrapped(["a": [Wrapped("b")]]), equal: ==)
        try crossCheck([String: Int](), equal: ==)
        try crossCheck([[Everything.Status.open: 1]], equal: ==)
        try crossCheck([true, false], equal: ==)
        try crossCheck(Optional("x"), equal: ==)
        try crossCheck(Optional<String>.none, equal: ==)
        try crossCheck([[Int]?.none, [1]], equal: ==)
        try crossCheck(Set([1]), equal: ==)
        try crossCheck(Date(timeIntervalSinceReferenceDate: 123_456.789), equal: ==)
        try crossCheck(UUID(), equal: ==)
        try crossCheck(1..<3, equal: ==)
    }

    @Test func `class inheritance agrees with Foundation`() throws {
        let rex = Dog(name: "Rex", breed: "mixed", tricks: ["sit", "roll"])
        try crossCheck(rex) { (left: Dog, right: Dog) -> Bool in
            [left.name, left.breed] + left.tricks == [right.name, right.breed] + right.tricks
        }
        try crossCheck(Cat(named: "Tom")) { (left: Cat, right: Cat) -> Bool in
            left.name == right.name && left.lives == right.lives
        }
        let dog = try JSONCoder.encode(Dog(name: "Rex", breed: "mixed", tricks: ["sit"]))
        #expect(dog.description == #"{"breed":"mixed","tricks":["sit"],"super":{"name":"Rex"}}"#)
    }

    @Test func `members are encoded in the type's order, dictionaries sorted`() throws {
        let everything = try JSONCoder.encode(Everything())
        #expect(everything.object?.map(\.key).prefix(4) == ["text", "flag", "status", "level"])
        let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("k\($0)", $0) })
        let keys = try #require(try JSONCoder.encode(["d": many])["d"]?.object).map(\.key)
        #expect(keys == keys.sorted())
        #expect(try JSONCoder.encode(many).object?.map(\.key) == keys)
        #expect(try JSONCoder.encode(Wrapped(many)).object?.map(\.key) == keys)
    }

    private func checkExtremes<T: FixedWidthInteger & Codable & Sendable>(_ type: T.Type) throws {
        for extreme in [T.min, T.max, 0, 1] {
            let value = try JSONCoder.encode([extreme])
            #expect(value.description == "[\(extreme)]")
            #expect(try JSONCoder.decode([T].self, from: value.bytes()) == [extreme])
            #expect(try JSONCoder.decode([String: T].self, from: ["k": value[0] ?? nil]) == ["k": extreme])
            #expect(try JSONCoder.decode(Wrapped<T>.self, from: value[0] ?? nil) == Wrapped(extreme))
        }
        for literal in ["\(T.max)0", "-\(T.max)1", "0.5", "1e400"] {
            let error = #expect(throws: DecodingError.self) {
                try JSONCoder.decode([T].self, from: "[\(literal)]".utf8)
            }
            guard case .dataCorrupted(let context) = error else { throw UnexpectedShape() }
            #expect(context.codingPath.map(\.intValue) == [0])
            #expect(!context.debugDescription.contains(literal))
        }
    }

    @Test func `integers of every width are exact and checked`() throws {
        try checkExtremes(Int.self)
        try checkExtremes(Int8.self)
        try checkExtremes(Int16.self)
        try checkExtremes(Int32.self)
        try checkExtremes(Int64.self)
        try checkExtremes(Int128.self)
        try checkExtremes(UInt.self)
        try checkExtremes(UInt8.self)
        try checkExtremes(UInt16.self)
        try checkExtremes(UInt32.self)
        try checkExtremes(UInt64.self)
        try checkExtremes(UInt128.self)
        #expect(try JSONCoder.decode([Int].self, from: "[1.0,1e2]".utf8) == [1, 100])
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `numbers that JSON lacks are encoding errors`(_ number: Double) {
        let error = #expect(throws: EncodingError.self) { try JSONCoder.encode(["a": [["b": number]]]) }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["a", "Index 0", "b"])
        #expect(throws: EncodingError.self) { try JSONCoder.encode(Float(number)) }
    }

    @Test func `numbers beyond the type are decoding errors`() {
        #expect(throws: DecodingError.self) { try JSONCoder.decode(Double.self, from: "1e400".utf8) }
        #expect(throws: DecodingError.self) { try JSONCoder.decode(Float.self, from: "1e39".utf8) }
        #expect(throws: Never.self) { try JSONCoder.decode(Float.self, from: "1e38".utf8) }
    }

    @Test func `JSON values keep their spelling inside Codable types`() throws {
        struct Call: Codable, Equatable {
            var name: String
            var arguments: JSONValue
            var object: JSONObject
            var number: JSONNumber
            var string: JSONString
            var missing: JSONValue?
        }
        let text = #"{"name":"n","arguments":{"z":1.0,"a":"\u0041"},"object":{"k":1,"k":2},"number":1e5,"string":"\/"}"#
        let call = try JSONCoder.decode(Call.self, from: text.utf8)
        #expect(try JSONCoder.encode(call).description == text)
        #expect(throws: DecodingError.self) { try JSONCoder.decode(JSONObject.self, from: "[]".utf8) }
        try crossCheck(["v": JSONValue.array([1, 2.5, "x", nil, true, ["k": [18_446_744_073_709_551]]])], equal: ==)
    }

    @Test func `userInfo reaches nested types`() throws {
        struct Reader: Codable {
            static let key = CodingUserInfoKey(rawValue: "greeting")
            var greeting: String

            init(from decoder: any Decoder) throws {
                greeting = Self.key.flatMap { decoder.userInfo[$0] } as? String ?? "none"
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(Self.key.flatMap { encoder.userInfo[$0] } as? String ?? "none")
            }
        }
        let key = try #require(Reader.key)
        let readers = try JSONValueDecoder(userInfo: [key: "hi"]).decode([Reader].self, from: [[:]])
        #expect(readers.map(\.greeting) == ["hi"])
        #expect(try JSONValueEncoder(userInfo: [key: "ho"]).encode(["r": readers]) == ["r": ["ho"]])
    }

    @Test func `a wrong use of the encoder is an error and not a trap`() throws {
        struct Confused: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(1)
                var single = encoder.singleValueContainer()
                try single.encode(2)
            }
        }
        struct Silent: Encodable {
            func encode(to encoder: any Encoder) throws {}
        }
        #expect(throws: EncodingError.self) { try JSONCoder.encode([Confused()]) }
        #expect(throws: EncodingError.self) { try JSONCoder.encode(Silent()) }
        #expect(try JSONCoder.encode([Silent()]) == [[:]])
    }
}
