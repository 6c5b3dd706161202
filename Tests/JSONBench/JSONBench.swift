// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FoundationEssentials
import JSONCore

/// Decodes the same document into the same type with JSONCore and with Foundation, taking turns.
///
/// `JSONBench [--json] [--rounds n] [--bytes n]`
@main
enum JSONBench {
    static func main() throws {
        let arguments = CommandLine.arguments
        let rounds = option("--rounds", in: arguments) ?? 30
        let messages = Message.conversation(bytes: option("--bytes", in: arguments) ?? 1_000_000)
        let bytes = try JSONCoder.bytes(encoding: messages)
        let data = Data(bytes)

        var decoding = Comparison(name: "decode")
        var parsing = Comparison(name: "parse only")
        var encoding = Comparison(name: "encode")
        for _ in 0..<rounds {
            decoding.ours.append(try time { try check(JSONCoder.decode([Message].self, from: bytes), messages) })
            decoding.theirs.append(try time { try check(JSONDecoder().decode([Message].self, from: data), messages) })
            parsing.ours.append(try time { _ = try JSONValue(parsing: bytes) })
            encoding.ours.append(try time { _ = try JSONCoder.bytes(encoding: messages) })
            encoding.theirs.append(try time { _ = try JSONEncoder().encode(messages) })
        }

        guard try JSONCoder.decode([Message].self, from: bytes) == messages else { throw WrongResult() }
        let report: JSONValue = [
            "bytes": JSONValue(bytes.count), "rounds": JSONValue(rounds), "decode": decoding.report,
            "parse": parsing.report, "encode": encoding.report,
        ]
        if arguments.contains("--json") {
            print(report)
        } else {
            print("\(messages.count) messages, \(bytes.count) bytes, best of \(rounds) rounds, milliseconds")
            for comparison in [decoding, parsing, encoding] { print(comparison.line) }
        }
    }

    private static func check(_ decoded: [Message], _ expected: [Message]) throws {
        guard decoded.count == expected.count else { throw WrongResult() }
    }

    private static func time(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body) / .milliseconds(1)
    }

    private static func option(_ name: String, in arguments: [String]) -> Int? {
        arguments.firstIndex(of: name).flatMap { arguments.dropFirst($0 + 1).first }.flatMap(Int.init)
    }
}

struct WrongResult: Error {}

/// The times of both sides for one task.
struct Comparison {
    let name: String
    var ours: [Double] = []
    var theirs: [Double] = []

    private var best: Double { ours.min() ?? .nan }
    private var ratio: Double? { theirs.min().map { best / $0 } }

    var report: JSONValue {
        var report: JSONObject = ["jsonCore": rounded(best)]
        if let other = theirs.min() { report["foundation"] = rounded(other) }
        if let ratio { report["ratio"] = rounded(ratio) }
        return .object(report)
    }

    var line: String {
        let other = theirs.min().map { ", FoundationEssentials \(rounded($0)), ratio \(rounded(ratio ?? .nan))" } ?? ""
        return "\(name): JSONCore \(rounded(best))\(other)"
    }

    private func rounded(_ value: Double) -> JSONValue {
        JSONNumber((value * 1000).rounded() / 1000).map(JSONValue.number) ?? .null
    }
}
