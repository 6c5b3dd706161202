// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The types whose schema is one word. A protocol of its own, so that the standard library's types gain no public members.
protocol ProbedScalar: Decodable {
    static var probedSchema: JSONValue { get }
    static var probedSample: JSONValue { get }
}

extension Bool: ProbedScalar {
    static var probedSchema: JSONValue { ["type": "boolean"] }
    static var probedSample: JSONValue { false }
}

extension String: ProbedScalar {
    static var probedSchema: JSONValue { ["type": "string"] }
    // Some types refuse an empty string.
    static var probedSample: JSONValue { "text" }
}

extension ProbedScalar where Self: FixedWidthInteger {
    static var probedSchema: JSONValue { ["type": "integer"] }
    // Some types refuse zero.
    static var probedSample: JSONValue { 1 }
}

extension Int: ProbedScalar {}
extension Int8: ProbedScalar {}
extension Int16: ProbedScalar {}
extension Int32: ProbedScalar {}
extension Int64: ProbedScalar {}
extension Int128: ProbedScalar {}
extension UInt: ProbedScalar {}
extension UInt8: ProbedScalar {}
extension UInt16: ProbedScalar {}
extension UInt32: ProbedScalar {}
extension UInt64: ProbedScalar {}
extension UInt128: ProbedScalar {}

extension ProbedScalar where Self: BinaryFloatingPoint {
    static var probedSchema: JSONValue { ["type": "number"] }
    // Some types refuse zero.
    static var probedSample: JSONValue { 1 }
}

extension Double: ProbedScalar {}
extension Float: ProbedScalar {}
