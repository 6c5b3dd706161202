// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite(.timeLimit(.minutes(2)))
struct InvocationTests {
    @Test func `a function answers and its sandbox is used again`() async throws {
        try await withEmulator { fixture in
            let first = try await fixture.invoke(["event": "hello"])
            #expect(first.status == 200)
            #expect(first.json["event"] as? String == "hello")
            #expect(!first.isFunctionError)
            #expect(first.headers["x-amz-executed-version"] == "$LATEST")
            #expect(first.headers["content-type"] == "application/json")
            let id = try #require(first.headers["x-amzn-requestid"])
            #expect(UUID(uuidString: id) != nil)
            let second = try await fixture.invoke(["event": "hello"])
            #expect(second.json["count"] as? Int == 2)
            #expect(second.json["pid"] as? Int == first.json["pid"] as? Int)
            #expect(second.headers["x-amzn-requestid"] != id)

            let report = try await fixture.log.line("REPORT RequestId: \(id)\t")
            #expect(report.contains("\tMemory Size: 128 MB\tMax Memory Used: ") && report.contains("\tInit Duration: "))
            let next = try await fixture.log.line("REPORT RequestId: \(second.headers["x-amzn-requestid"] ?? "")\t")
            #expect(!next.contains("Init Duration"))
            #expect(fixture.log.all.first == "init done")
            #expect(fixture.log.all.contains("START RequestId: \(id) Version: $LATEST"))
            #expect(fixture.log.all.contains("END RequestId: \(id)"))
        }
    }

    @Test func `a runtime gets Lambda's headers`() async throws {
        try await withEmulator(configure: { $0.environment["AWS_REGION"] = "eu-north-1" }) { fixture in
            let context = Data(#"{"custom":{"a":1}}"#.utf8).base64EncodedString()
            let before = Date.now.timeIntervalSince1970 * 1000
            let answer = try await fixture.invoke(
                ["event": 1], name: "scripted:live",
                headers: [
                    "X-Amz-Client-Context": context, "X-Perdure-Request-Id": "mine/1 %".replacing(" ", with: "_"),
                    "X-Amzn-Trace-Id": "Root=1-5-6;Parent=7;Sampled=1",
                ])
            let headers = try #require(answer.json["headers"] as? [String: String])
            #expect(answer.headers["x-amzn-requestid"] == "mine/1_%")
            #expect(headers["lambda-runtime-aws-request-id"] == "mine/1_%")
            #expect(headers["lambda-runtime-client-context"] == #"{"custom":{"a":1}}"#)
            #expect(headers["lambda-runtime-trace-id"] == "Root=1-5-6;Parent=7;Sampled=1")
            #expect(
                headers["lambda-runtime-invoked-function-arn"]
                    == "arn:aws:lambda:eu-north-1:000000000000:function:scripted:live")
            let deadline = try #require(headers["lambda-runtime-deadline-ms"].flatMap(Double.init))
            #expect(deadline >= before + 59_999 && deadline <= Date.now.timeIntervalSince1970 * 1000 + 60_000)
            let next = try await fixture.invoke(["event": 1], headers: ["X-Perdure-Request-Id": "mine/1_%"])
            let again = try #require(next.json["headers"] as? [String: String])
            #expect(again["lambda-runtime-aws-request-id"] == "mine/1_%")
            #expect(again["lambda-runtime-invocation-id"] != headers["lambda-runtime-invocation-id"])
            #expect(again["lambda-runtime-client-context"] == nil)
            let trace = try #require(again["lambda-runtime-trace-id"])
            #expect(trace.wholeMatch(of: /Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0/) != nil)
        }
    }

    @Test func `a bootstrap gets Lambda's environment and nothing else`() async throws {
        try await withEmulator(configure: {
            $0.handler = "my.handler"
            $0.memorySize = 512
            $0.taskRoot = "/usr"
            $0.environment.merge(["MINE": "a=b", "AWS_ACCESS_KEY_ID": "mine", "_HANDLER": "not mine"]) { $1 }
        }) { fixture in
            // A descriptor without O_CLOEXEC, which must not reach the sandbox either.
            let open = dup(STDERR_FILENO)
            defer { close(open) }
            let answer = try await fixture.invoke(["environment": true])
            let seen = try #require(answer.json["environment"] as? [String: String])
            let expected = [
                "_HANDLER": "my.handler", "LAMBDA_TASK_ROOT": "/usr", "AWS_REGION": "us-east-1", "TZ": ":UTC",
                "AWS_LAMBDA_FUNCTION_NAME": "scripted", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/scripted",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "MINE": "a=b", "AWS_ACCESS_KEY_ID": "mine",
            ]
            for (key, value) in expected { #expect(seen[key] == value) }
            #expect(
                seen["AWS_LAMBDA_LOG_STREAM_NAME"]?.wholeMatch(of: /\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}/) != nil
            )
            #expect(seen["AWS_LAMBDA_RUNTIME_API"]?.wholeMatch(of: /127\.0\.0\.1:\d+/) != nil)
            #expect(seen["AWS_ENDPOINT_URL_LAMBDA"] == fixture.endpoint)
            #expect(seen["AWS_ENDPOINT_URL_SCHEDULER"] == fixture.endpoint)
            #expect(seen["PERDURE_SCHEDULER_ROLE"] == "arn:aws:iam::000000000000:role/perdure-scheduler")
            #expect(seen["HOME"] == nil)
            #expect(answer.json["folder"] as? String == "/usr")
            #expect(answer.json["stdin"] as? String == "/dev/null")
            // 0, 1, 2, the connection, and the listing itself.
            #expect((answer.json["descriptors"] as? [String])?.count == 5)
        }
    }

    @Test func `the log's last 4 KB come back on request`() async throws {
        try await withEmulator { fixture in
            let text = "first\n" + String(repeating: "x", count: 5000) + "\nlast"
            let answer = try await fixture.invoke(["print": text], headers: ["X-Amz-Log-Type": "Tail"])
            let log = try #require(answer.headers["x-amz-log-result"].flatMap { Data(base64Encoded: $0) })
            #expect(log.count == 4096)
            let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
            // Standard error follows without a newline between, as one stream.
            #expect(lines.contains("lastto standard error"))
            #expect(lines.last?.hasPrefix("REPORT RequestId: ") == true)
            #expect(!lines.contains("first"))
            #expect(fixture.log.all.contains("first"))
        }
    }

    @Test func `a handler's error is marked`() async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(["raise": "wrong"])
            #expect(answer.status == 200)
            #expect(answer.isFunctionError)
            #expect(answer.json["errorMessage"] as? String == "wrong")
            #expect(answer.json["errorType"] as? String == "Function.Scripted")
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 2)
        }
    }

    @Test func `DryRun runs nothing and Event runs later`() async throws {
        try await withEmulator { fixture in
            let dry = try await fixture.invoke([:], headers: ["X-Amz-Invocation-Type": "DryRun"])
            #expect(dry.status == 204)
            #expect(await fixture.emulator.sandboxProcessIDs.isEmpty)
            let event = try await fixture.invoke(
                ["print": "ran\n"], headers: ["X-Amz-Invocation-Type": "Event", "X-Perdure-Request-Id": "later"])
            #expect(event.status == 202 && event.body.isEmpty)
            #expect(try await fixture.log.line("REPORT RequestId: later") != "")
            #expect(fixture.log.all.contains("ran"))
        }
    }

    struct RefusalCase: Sendable, CustomTestStringConvertible {
        var name = "scripted"
        var headers: [String: String] = [:]
        var body = Data("{}".utf8)
        var refusal: String
        var testDescription: String { refusal + " \(name) \(headers)" }
    }

    @Test(arguments: [
        RefusalCase(name: "nobody", refusal: "404 ResourceNotFoundException"),
        RefusalCase(name: "a%20b", refusal: "400 ValidationException"),
        RefusalCase(name: "scripted:a%2F..%2Fx", refusal: "400 ValidationException"),
        RefusalCase(name: "scripted/more", refusal: "404 UnknownOperationException"),
        RefusalCase(headers: ["X-Amz-Invocation-Type": "Maybe"], refusal: "400 ValidationException"),
        RefusalCase(headers: ["X-Amz-Log-Type": "Head"], refusal: "400 ValidationException"),
        RefusalCase(headers: ["X-Amz-Tenant-Id": "t"], refusal: "400 InvalidParameterValueException"),
        RefusalCase(headers: ["X-Perdure-Request-Id": "a b"], refusal: "400 InvalidParameterValueException"),
        RefusalCase(headers: ["X-Amz-Client-Context": "e30"], refusal: "400 InvalidRequestContentException"),
        RefusalCase(body: Data("{nope".utf8), refusal: "400 InvalidRequestContentException"),
        RefusalCase(body: Data(count: 7_000_000), refusal: "413 RequestTooLargeException"),
        RefusalCase(
            headers: ["X-Amz-Invocation-Type": "Event"], body: Data(count: 1_048_577),
            refusal: "413 RequestTooLargeException"),
    ])
    func `a bad call is refused`(_ test: RefusalCase) async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(0, name: test.name, headers: test.headers, raw: test.body)
            #expect("\(answer.status) \(answer.headers["x-amzn-errortype"] ?? "")" == test.refusal)
            #expect(answer.headers["x-amzn-requestid"] != nil)
            #expect(await fixture.emulator.sandboxProcessIDs.isEmpty)
        }
    }

    @Test func `a payload of exactly the limit is delivered`() async throws {
        try await withEmulator { fixture in
            let body = Data("\"".utf8) + Data(repeating: 0x61, count: 6_291_454) + Data("\"".utf8)
            let answer = try await fixture.invoke(0, raw: body)
            #expect(answer.status == 200)
            // The script sends its event back, and its own words go over the limit of an answer.
            #expect(answer.isFunctionError)
            #expect(answer.json["errorType"] as? String == "Function.ResponseSizeTooLarge")
        }
    }
}
