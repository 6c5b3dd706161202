// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import Testing

struct LargeInputTests {
    /// Contains itself by way of an array, as a tool's nested answer might.
    struct Tree: Codable, Equatable {
        var children: [Tree]
    }

    /// Runs `body` where the stack is as small as that of a secondary thread on macOS.
    private func onSmallStack(_ body: @escaping @Sendable () throws -> Void) throws {
        final class Outcome: @unchecked Sendable {
            // Written before the semaphore is signalled, read after.
            var result: Result<Void, any Error> = .success(())
        }
        let outcome = Outcome()
        let finished = DispatchSemaphore(value: 0)
        let thread = Thread {
            outcome.result = Result { try body() }
            finished.signal()
        }
        thread.stackSize = 512 * 1024
        thread.start()
        finished.wait()
        try outcome.result.get()
    }

    @Test(.timeLimit(.minutes(1)))
    func `the deepest document can be used on a small stack`() throws {
        let depth = JSONValue.maximumParsingDepth
        let arrays = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let objects = String(repeating: "{\"k\":", count: depth) + "1" + String(repeating: "}", count: depth)
        for text in [arrays, objects] {
            try onSmallStack {
                let value = try JSONValue(parsing: text.utf8, maximumDepth: depth)
                let again = try JSONValue(parsing: value.bytes(.pretty), maximumDepth: depth)
                guard value == again, value.hashValue == again.hashValue, value.description == text else {
                    throw UnexpectedShape()
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a recursive type is decoded down to the default depth`() throws {
        // 256 objects with an array each.
        let text = String(repeating: "{\"children\":[", count: 256) + String(repeating: "]}", count: 256)
        let tree = try JSONCoder.decode(Tree.self, from: text.utf8)
        #expect(try JSONCoder.encode(tree).description == text)
    }

    @Test(.timeLimit(.minutes(1)))
    func `large flat documents take linear time`() throws {
        let count = 100_000
        let members = (0..<count).map { "\"member \($0)\":\($0)" }.joined(separator: ",")
        // Repeated keys are the case that could make each look-up a search.
        let text = "{\"member 7\":-1,\(members)}"
        let decoded = try JSONCoder.decode([String: Int].self, from: text.utf8)
        #expect(decoded.count == count)
        #expect(decoded["member 7"] == 7)
        let encoded = try JSONCoder.encode(decoded)
        #expect(encoded.object?.count == count)
        #expect(try JSONCoder.decode([String: Int].self, from: encoded.bytes()) == decoded)
    }

    @Test func `a long string of every kind of character comes back`() throws {
        let text = String(repeating: "plain \"quoted\" \\ \n\u{1} é€𝄞 ", count: 20_000)
        let value = JSONValue(text)
        let again = try JSONValue(parsing: value.bytes())
        #expect(again == value)
        #expect(again.string == text)
        #expect(again.bytes() == value.bytes())
        let data = try JSONEncoder().encode([text])
        #expect(try JSONCoder.decode([String].self, from: data) == [text])
    }

    @Test(arguments: 0..<40)
    func `a special character is found at every place of a word`(_ place: Int) throws {
        let before = String(repeating: "x", count: place)
        for special in ["\\n", "\\u0041", "é", "\u{7F}", "\\\\"] {
            for after in ["", "yyy", "yyyyyyyyyyyy"] {
                let text = "[\"\(before)\(special)\(after)\"]"
                let expected = try JSONDecoder().decode([String].self, from: Data(text.utf8))
                #expect(try JSONCoder.decode([String].self, from: text.utf8) == expected)
            }
        }
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "\"\(before)\u{1F}yyyyyyyyyy\"".utf8) }
        #expect(error?.byteOffset == place + 1)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `random documents mean the same to Foundation`(_ seed: UInt64) throws {
        let text = RandomDocument.text(seed: seed &+ 1_000_000)
        // Foundation refuses numbers beyond Double, and keeps another one of a repeated key.
        guard !text.contains("e400"), let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        else {
            return
        }
        let ours = try JSONValue(parsing: text.utf8)
        #expect(flattened(ours) == flattened(value))
    }

    /// The scalars in order of their spelling, leaving out what is below an object, whose keys may be repeated.
    private func flattened(_ value: JSONValue) -> [String] {
        switch value {
        case .array(let elements): elements.flatMap(flattened)
        case .object: ["object"]
        case .number(let number): ["\(number.double)"]
        case .string(let string): [string.value]
        case .bool, .null: [value.description]
        }
    }
}
