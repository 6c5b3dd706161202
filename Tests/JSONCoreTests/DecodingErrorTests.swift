// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import Testing

struct DecodingErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let decode: @Sendable (String, Side) throws -> Void

        init<T: Decodable & SendableMetatype>(_ text: String, as type: T.Type) {
            self.text = text
            decode = { text, side in
                switch side {
                case .ours: _ = try JSONCoder.decode(T.self, from: text.utf8)
                case .foundation: _ = try JSONDecoder().decode(T.self, from: Data(text.utf8))
                }
            }
        }

        var testDescription: String { text }
    }

    enum Side {
        case ours, foundation
    }

    /// An error's kind and path, which should not depend on who decodes.
    private func summary(of side: Side, _ check: Case) -> String {
        func describe(_ kind: String, _ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            return kind + " at /" + path.joined(separator: "/")
        }
        do {
            try check.decode(check.text, side)
            return "no error"
        } catch DecodingError.keyNotFound(let key, let context) {
            return describe("keyNotFound \(key.stringValue)", context)
        } catch DecodingError.typeMismatch(let type, let context) {
            return describe("typeMismatch \(name(type))", context)
        } catch DecodingError.valueNotFound(let type, let context) {
            return describe("valueNotFound \(name(type))", context)
        } catch DecodingError.dataCorrupted(let context) {
            return describe("dataCorrupted", context)
        } catch {
            return "\(error)"
        }
    }

    /// A type's name without parameters: those of the types that stand for arrays and objects are each side's own.
    private func name(_ type: any Any.Type) -> Substring { "\(type)".prefix { $0 != "<" } }

    static let cases: [Case] = [
        Case(#"{"sku":"a"}"#, as: Everything.Line.self),
        Case(#"[{"sku":"a","quantity":1},{"quantity":1}]"#, as: [Everything.Line].self),
        Case(#"[{"sku":"a","quantity":"1"}]"#, as: [Everything.Line].self),
        Case(#"[{"sku":"a","quantity":1,"price":"x"}]"#, as: [Everything.Line].self),
        Case(#"[{"sku":null,"quantity":1}]"#, as: [Everything.Line].self),
        Case(#"{"k":[{"sku":1,"quantity":1}]}"#, as: [String: [Everything.Line]].self),
        Case(#"[{"sku":"a","quantity":1,"price":null}]"#, as: [Everything.Line].self),
        Case("[1]", as: Everything.Line.self),
        Case("{}", as: [Int].self),
        Case("[1,true]", as: [Int].self),
        Case("[1,null]", as: [Int].self),
        Case("[[1],[true]]", as: [[Int]].self),
        Case("[\"x\"]", as: [Everything.Status].self),
        Case("[5]", as: [Everything.Level].self),
        Case("[1]", as: [Everything.Status].self),
        Case("[1]", as: [Bool].self),
        Case("[0]", as: [String].self),
        Case("[\"1\"]", as: [Double].self),
        Case("null", as: Int.self),
        Case(#"{"breed":"x","tricks":[1]}"#, as: Dog.self),
        Case(#"{"breed":"x","tricks":[],"super":{}}"#, as: Dog.self),
        Case(#"{"inner":{"x":1},"list":[]}"#, as: Nested.self),
        Case(#"{"inner":[],"list":[]}"#, as: Nested.self),
        Case(#"{"inner":{"x":1,"y":""},"list":[{"x":1,"y":2},[1]]}"#, as: Nested.self),
        Case(#"{"unknown":{}}"#, as: Everything.Event.self),
        Case(#"{"started":{},"named":{}}"#, as: Everything.Event.self),
        Case(#"{"moved":{"x":1}}"#, as: Everything.Event.self),
        Case(#"{"x":1}"#, as: [Int: Int].self),
        Case("[1,", as: [Int].self),
        Case("", as: [Int].self),
    ]

    @Test(arguments: cases)
    func `errors have the kind and the path of Foundation's`(_ check: Case) {
        #expect(summary(of: .ours, check) == summary(of: .foundation, check))
    }

    @Test func `text that is not JSON carries the parser's error`() throws {
        let error = #expect(throws: DecodingError.self) { try JSONCoder.decode(Int.self, from: "[1,]".utf8) }
        guard case .dataCorrupted(let context) = error else { throw UnexpectedShape() }
        let underlying = try #require(context.underlyingError as? JSONError)
        #expect(underlying.code == .unexpectedByte)
        #expect(underlying.byteOffset == 3)
    }

    @Test func `errors do not quote the document`() {
        for text in [#"["secret"]"#, "[123456789.25]", #"{"secret":1}"#] {
            let error = #expect(throws: DecodingError.self) { try JSONCoder.decode([Int].self, from: text.utf8) }
            #expect(!"\(error.debugDescription)".contains("secret"))
            #expect(!"\(error.debugDescription)".contains("123456789"))
        }
    }
}
