// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// Streamed answers, as boto3 decodes them.
@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled("python3 or its boto3 cannot be imported") { await Python.canImport("boto3") })
struct StreamingTests {
    struct Answer: Decodable {
        var status: Int
        var version: String
        var streamType: String
        var contentType: String?
        /// In base64.
        var chunks: [String]
        var completes: Int
        var errorCode: String?
        var errorDetails: String?
        var log: String?

        var payload: Data { chunks.reduce(into: Data()) { $0.append(Data(base64Encoded: $1) ?? Data()) } }
        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    private func stream(_ calls: [[String: Any]], _ fixture: EmulatorFixture) async throws -> [Answer] {
        let json = String(decoding: try JSONSerialization.data(withJSONObject: calls), as: UTF8.self)
        let result = try await runProgram(
            ["python3", Fixtures.script("invoke_stream.py"), fixture.endpoint, "scripted", json],
            environment: SDKTests.fakeCredentials)
        try #require(result.status == 0, "\(result.errors)")
        let answers = try JSONDecoder().decode([Answer].self, from: Data(result.output.utf8))
        try #require(answers.count == calls.count)
        return answers
    }

    @Test func `chunks pass while the function runs`() async throws {
        try await withEmulator { fixture in
            // The function sends its second chunk when the caller has the first one.
            let gate = fixture.path("gate")
            let event = ["stream": ["chunks": ["one", "two"], "gates": ["1": gate], "contentType": "text/plain"]]
            let answer = try await stream([["payload": event, "touch": gate, "log": true]], fixture)[0]
            #expect(answer.status == 200 && answer.version == "$LATEST")
            #expect(answer.streamType == "application/vnd.amazon.eventstream" && answer.contentType == "text/plain")
            #expect(answer.chunks.count == 2 && answer.text == "onetwo")
            #expect(answer.completes == 1 && answer.errorCode == nil)
            #expect(answer.log?.contains("\nREPORT RequestId: ") == true)
            #expect(try await fixture.invoke([:]).posts == ["202 "])
        }
    }

    @Test func `an error in the trailers comes at the end`() async throws {
        try await withEmulator { fixture in
            let details = #"{"errorMessage":"half way","errorType":"Function.HalfWay"}"#
            let whole: [String: Any] = ["chunks": ["one"], "errorType": "Function.HalfWay", "error": details]
            let strange = ["chunks": [], "errorType": "strange", "errorBody": "Requires base64"] as [String: Any]
            let answers = try await stream(
                [["payload": ["stream": whole]], ["payload": ["stream": strange], "log": true]], fixture)
            #expect(answers[0].text == "one")
            #expect(answers[0].errorCode == "Function.HalfWay" && answers[0].errorDetails == details)
            #expect(answers[1].chunks.isEmpty)
            #expect(answers[1].errorCode == "Function.Unknown")
            #expect(answers[1].errorDetails == #"{"errorType":"Function.Unknown"}"#)
            #expect(answers[1].log?.contains("END RequestId: ") == true)
            #expect(try await fixture.invoke([:]).posts == ["202 ", "202 "])
        }
    }

    @Test func `a buffered answer comes in chunks too`() async throws {
        try await withEmulator { fixture in
            let answers = try await stream(
                [
                    ["payload": ["size": 600_000], "log": true], ["payload": ["raise": "wrong"]],
                    ["payload": ["kill": 9]],
                ], fixture)
            #expect(answers[0].chunks.count == 3 && answers[0].payload == Data(repeating: 0x31, count: 600_000))
            #expect(answers[0].contentType == "application/json" && answers[0].errorCode == nil)
            #expect(answers[0].log?.contains("START RequestId: ") == true)
            #expect(answers[1].chunks.isEmpty && answers[1].errorCode == "Function.Unknown")
            #expect(answers[1].errorDetails?.contains(#""errorMessage": "wrong""#) == true)
            #expect(answers[2].errorCode == "Runtime.ExitError")
            #expect(answers[2].errorDetails?.contains("signal: killed") == true)
            #expect(answers.allSatisfy { $0.completes == 1 })
        }
    }

    @Test func `a prelude and its content type are passed on untouched`() async throws {
        try await withEmulator { fixture in
            let prelude = Data(#"{"statusCode":201,"headers":{"a":"b"},"cookies":[]}"#.utf8) + Data(count: 8)
            let type = "application/vnd.awslambda.http-integration-response"
            let chunks = [prelude, Data([0, 255, 10])].map { $0.base64EncodedString() }
            let event: [String: Any] = ["stream": ["chunks": chunks, "base64": true, "contentType": type]]
            let answer = try await stream([["payload": event]], fixture)[0]
            #expect(answer.payload == prelude + Data([0, 255, 10]) && answer.contentType == type)
            let plain = try await fixture.invoke(event)
            #expect(plain.body == answer.payload && plain.headers["content-type"] == type && !plain.isFunctionError)
        }
    }

    @Test func `a stream that breaks off is an error, and its sandbox is of no more use`() async throws {
        try await withEmulator { fixture in
            let answer = try await stream(
                [["payload": ["stream": ["chunks": ["one"], "breaksOff": true]]]], fixture)[0]
            #expect(answer.text == "one" && answer.completes == 1)
            #expect(answer.errorCode == "Runtime.TruncatedResponse")
            // The script asks for the next invocation, is refused, and exits.
            let refusal = "State transition from InvocationResponse to Ready failed for runtime."
            _ = try await eventually("the refusal") { fixture.log.all.first { $0.contains(refusal) } }
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `the deadline ends a stream`() async throws {
        try await withEmulator(configure: { $0.timeout = .seconds(3) }) { fixture in
            _ = try await fixture.invoke([:])
            let event = ["stream": ["chunks": ["one", "two"], "gates": ["1": fixture.path("never")]]]
            let answer = try await stream([["payload": event, "log": true]], fixture)[0]
            #expect(answer.text == "one" && answer.errorCode == "Sandbox.Timedout")
            #expect(answer.errorDetails?.contains("Task timed out after 3.00 seconds") == true)
            #expect(answer.log?.contains("Status: timeout") == true)
        }
    }

    @Test func `the end of the emulator ends a stream`() async throws {
        try await withEmulator { fixture in
            let gate = fixture.path("first")
            let event = ["stream": ["chunks": ["one", "two"], "gates": ["1": fixture.path("never")]]]
            async let client = runProgram(
                [
                    "python3", Fixtures.script("invoke_stream.py"), fixture.endpoint, "scripted",
                    String(
                        decoding: try JSONSerialization.data(withJSONObject: [["payload": event, "touch": gate]]),
                        as: UTF8.self),
                ], environment: SDKTests.fakeCredentials)
            _ = try await eventually("the first chunk") { FileManager.default.fileExists(atPath: gate) ? true : nil }
            await fixture.emulator.shutdown()
            // It got the error, or lost the connection, but it does not wait.
            _ = try await client
        }
    }
}
