// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import Testing

struct ValueTests {
    @Test func `literals make values`() {
        let name = "Ada"
        let value: JSONValue = [
            "s": "Hello \(name)", "i": 1, "d": 1.5, "b": true, "n": nil, "a": [1, "x"], "o": ["k": -2],
        ]
        #expect(value.description == #"{"s":"Hello Ada","i":1,"d":1.5,"b":true,"n":null,"a":[1,"x"],"o":{"k":-2}}"#)
    }

    @Test func `accessors give the value of their kind and nil otherwise`() {
        let value: JSONValue = ["s": "x", "i": 3, "d": 1.5, "b": false, "n": nil, "a": [1, 2]]
        #expect(value["s"]?.string == "x")
        #expect(value["i"]?.int == 3)
        #expect(value["i"]?.double == 3)
        #expect(value["d"]?.double == 1.5)
        #expect(value["d"]?.int == nil)
        #expect(value["b"]?.bool == false)
        #expect(value["n"]?.isNull == true)
        #expect(value["a"]?[1] == 2)
        #expect(value["a"]?[2] == nil)
        #expect(value["a"]?[-1] == nil)
        #expect(value["a"]?.array?.count == 2)
        #expect(value["x"] == nil)
        #expect(value[0] == nil)
        #expect(value.object?.count == 6)
        #expect(value["s"]?["y"] == nil)
        #expect(value["s"]?.int == nil)
    }

    @Test func `values are small`() {
        #expect(MemoryLayout<JSONString>.stride <= 24)
        #expect(MemoryLayout<JSONValue>.stride <= 24)
    }

    @Test func `numbers are exact where they say so`() throws {
        func number(_ literal: String) throws -> JSONNumber { try #require(JSONNumber(literal: literal)) }
        #expect(try number("1e2").int == 100)
        #expect(try number("1.50").int == nil)
        #expect(try number("120e-1").int == 12)
        #expect(try number("-9223372036854775808").int == .min)
        #expect(try number("-9223372036854775809").int == nil)
        #expect(try number("9223372036854775808").int == nil)
        #expect(try number("18446744073709551615").exactly(UInt64.self) == .max)
        #expect(try number("18446744073709551616").exactly(UInt64.self) == nil)
        #expect(try number("-1").exactly(UInt8.self) == nil)
        #expect(try number("-0").exactly(UInt8.self) == 0)
        #expect(try number("255").exactly(UInt8.self) == 255)
        #expect(try number("256").exactly(UInt8.self) == nil)
        #expect(try number("-128.0").exactly(Int8.self) == -128)
        #expect(try number("\(Int128.min)").exactly(Int128.self) == .min)
        #expect(try number("\(UInt128.max)").exactly(UInt128.self) == .max)
        #expect(try number("1e1000000000").int == nil)
        #expect(try number("1e-1000000000").int == nil)
        #expect(try number("0e1000000000").int == 0)
        #expect(try number("1" + String(repeating: "0", count: 400)).int == nil)
        #expect(try number("10000e-4").int == 1)
    }

    @Test func `doubles are the nearest`() throws {
        func double(_ literal: String) throws -> Double { try #require(JSONNumber(literal: literal)).double }
        var numbers = SeededNumbers(state: 7)
        for _ in 0..<20_000 {
            let digits = Int.random(in: 0..<100_000_000_000_000_000, using: &numbers)
            let scale = Int.random(in: 1..<25, using: &numbers)
            let padded = String(repeating: "0", count: scale) + String(digits)
            let literal = "\(Int.random(in: -9...9, using: &numbers)).\(padded.suffix(scale))"
            #expect(try double(literal) == Double(literal))
            let bits = Double(bitPattern: numbers.next())
            if bits.isFinite { #expect(JSONNumber(bits)?.double == bits) }
        }
        #expect(try double("-0.0").sign == .minus)
        #expect(try double("-0").sign == .minus)
        #expect(try double("1e400") == .infinity)
        #expect(try double("-1e400") == -.infinity)
        #expect(try double("1e-400") == 0)
        #expect(try double("9007199254740993") == 9_007_199_254_740_992)
        #expect(try double("179769313486231570000e288") == .greatestFiniteMagnitude)
        #expect(JSONNumber(.infinity) == nil)
        #expect(JSONNumber(.nan) == nil)
        #expect(JSONNumber(0.1)?.literal == "0.1")
        #expect(JSONNumber(-0.0)?.literal == "-0.0")
    }

    @Test func `an object keeps order and repeated keys`() throws {
        let text = #"{"b":1,"a":2,"b":3,"\u0061":4}"#
        let object = try #require(try JSONValue(parsing: text.utf8).object)
        #expect(object.map(\.key) == ["b", "a", "b", "a"])
        #expect(object["b"] == 3)
        #expect(object["a"] == 4)
        #expect(JSONValue.object(object).description == text)
    }

    @Test func `setting replaces in place, appends or removes`() throws {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 10
        object["c"] = 3
        #expect(JSONValue.object(object) == ["a": 10, "b": 2, "c": 3])
        object["b"] = nil
        object["missing"] = nil
        #expect(JSONValue.object(object) == ["a": 10, "c": 3])

        var repeated = try #require(try JSONValue(parsing: #"{"k":1,"k":2,"z":0}"#.utf8).object)
        repeated["k"] = 5
        #expect(JSONValue.object(repeated).description == #"{"k":1,"k":5,"z":0}"#)
        #expect(repeated["k"] == 5)
        repeated["k"] = nil
        #expect(JSONValue.object(repeated).description == #"{"z":0}"#)
        repeated.append(1, forKey: "z")
        #expect(repeated["z"] == 1)
        #expect(repeated.count == 2)
    }

    @Test func `keys that only look alike are different`() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2,\"\u{212A}\":3,\"K\":4}"
        let object = try #require(try JSONValue(parsing: text.utf8).object)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
        #expect(object["\u{212A}"] == 3)
        #expect(object["K"] == 4)
    }

    @Test(arguments: [2, 15, 16, 17, 40, 3000])
    func `the last of a repeated key wins in an object of any size`(_ count: Int) throws {
        let members = (0..<count).map { "\"key number \($0)\":\($0)" } + ["\"key number 1\":-1"]
        let object = try #require(try JSONValue(parsing: "{\(members.joined(separator: ","))}".utf8).object)
        #expect(object["key number 1"] == -1)
        #expect(object["key number 0"] == 0)
        let decoded = try JSONCoder.decode([String: Int].self, from: .object(object))
        #expect(decoded.count == count)
        #expect(decoded["key number 1"] == -1)
    }
}
