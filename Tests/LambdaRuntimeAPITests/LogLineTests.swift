// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import LambdaRuntimeAPI
import Testing

@Suite struct LogLineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let record: LambdaLog.Record
        let text: String
        var testDescription: String { text }
        let json: String
    }

    static func record(
        _ level: LambdaLog.Level,
        _ message: String,
        members: [(key: String, value: JSONValue)] = [],
        error: InvocationError? = nil,
        context: InvocationContext? = invocation("r")
    ) -> LambdaLog.Record {
        LambdaLog.Record(
            level, message, members: members, error: error, context: context, microsecondsSinceEpoch: moment)
    }

    static let cases = [
        Case(
            record: record(.info, "turn completed"),
            text: "r\tINFO\tturn completed",
            json: #""level":"INFO","requestId":"r","message":"turn completed""#),
        Case(
            record: record(.trace, "", context: nil),
            text: "-\tTRACE\t",
            json: #""level":"TRACE","message":"""#),
        Case(
            record: record(.warn, "t", context: invocation("a\tb", tenant: "acme")),
            text: "a b\tWARN\tt",
            json: #""level":"WARN","requestId":"a\tb","tenantId":"acme","message":"t""#),
        Case(
            record: record(.debug, "one\ntwo\r\nthree", context: invocation("r", tenant: "")),
            text: "r\tDEBUG\tone\rtwo\r\rthree",
            json: #""level":"DEBUG","requestId":"r","tenantId":"","message":"one\ntwo\r\nthree""#),
        Case(
            record: record(.fatal, "\u{0}\u{8}\u{1B}\u{7F}\t\"quoted\" back\\slash/ größe 😀\u{2028}"),
            text: "r\tFATAL\t\u{0}\u{8}\u{1B}\u{7F}\t\"quoted\" back\\slash/ größe 😀\u{2028}",
            json: #""level":"FATAL","requestId":"r","message":"\u0000\b\u001b\#u{7F}\t\"quoted\" back\\slash/ "#
                + "größe 😀\u{2028}\""),
        Case(
            record: record(
                .info, "m",
                members: [
                    ("plain", "größe"), ("spaced", "a b"), ("empty", ""), ("quoted", "\"\n"), ("equals", "a=b"),
                    ("n", 5), ("yes", true), ("none", nil), ("list", [1, "a b"]), ("map", ["k": "v"]),
                    ("two words", "v"), ("level", "mine"), ("message", 1),
                ]),
            text: #"r\#tINFO\#tm plain=größe spaced="a b" empty="" quoted="\"\n" equals="a=b" n=5 yes=true none=null "#
                + #"list=[1,"a b"] map={"k":"v"} "two words"=v level=mine message=1"#,
            json: #""level":"INFO","requestId":"r","message":"m","plain":"größe","spaced":"a b","empty":"","#
                + #""quoted":"\"\n","equals":"a=b","n":5,"yes":true,"none":null,"list":[1,"a b"],"map":{"k":"v"},"#
                + #""two words":"v","metadata.level":"mine","metadata.message":1"#),
        Case(
            record: record(
                .error, "m", members: [("k", 1)],
                error: InvocationError(type: "Function.Wrong", message: "it \n is", stackTrace: ["f", "main"])),
            text: #"r\#tERROR\#tm errorType=Function.Wrong errorMessage="it \n is" stackTrace=["f","main"] k=1"#,
            json: #""level":"ERROR","requestId":"r","message":"m","errorType":"Function.Wrong","#
                + #""errorMessage":"it \n is","stackTrace":["f","main"],"k":1"#),
        Case(
            record: record(.error, "m", error: InvocationError(type: "T", message: "e")),
            text: "r\tERROR\tm errorType=T errorMessage=e",
            json: #""level":"ERROR","requestId":"r","message":"m","errorType":"T","errorMessage":"e""#),
    ]

    @Test(arguments: cases)
    func `a record is one line of text`(sample: Case) throws {
        let line = try written(sample.record, as: .text)
        #expect(line == "2026-01-02T03:04:05.678Z\t\(sample.text)\n")
    }

    @Test(arguments: cases)
    func `a record is one line of JSON`(sample: Case) throws {
        let line = try written(sample.record, as: .json)
        #expect(line == #"{"timestamp":"2026-01-02T03:04:05.678Z",\#(sample.json)}"# + "\n")
        #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
    }

    @Test func `timestamps are those of another implementation`() throws {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions.insert(.withFractionalSeconds)
        let day: Int64 = 86_400_000
        var moments: [Int64] = [0, 1, day - 1, 951_782_399_999, 951_782_400_000, 4_107_542_400_000, 13_574_563_200_000]
        // Every 97 days up to the year 2600, at changing times of the day.
        moments += (0..<2400).map { $0 * 97 * day + $0 * 7919 % day }
        for milliseconds in moments {
            let record = LambdaLog.Record(.info, "", context: nil, microsecondsSinceEpoch: milliseconds * 1000 + 999)
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
            #expect(record.timestamp == expected)
        }
        #expect(LambdaLog.Record(.info, "", microsecondsSinceEpoch: -1).timestamp == "1970-01-01T00:00:00.000Z")
        #expect(LambdaLog.Record(.info, "", microsecondsSinceEpoch: .max).timestamp == "294247-01-10T04:00:54.775Z")
    }
}
