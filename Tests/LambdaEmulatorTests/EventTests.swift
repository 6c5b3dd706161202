// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization
import Testing

@testable import LambdaEmulator

/// Asynchronous invocations that fail.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EventTests {
    private let event = ["X-Amz-Invocation-Type": "Event", "X-Perdure-Request-Id": "id"]

    @Test func `a failed event is run twice more, with its request id and new invocation ids`() async throws {
        let records = LogLines()
        try await withEmulator(configure: {
            $0.eventRetryDelays = [.milliseconds(10), .milliseconds(20)]
            $0.onFailure = { records.add($0) }
        }) { fixture in
            let event = ["raise": "wrong", "print": "ran\n"]
            #expect(try await fixture.invoke(event, headers: self.event).status == 202)
            let line = try await fixture.log.line("RequestId: id Error: The asynchronous invocation failed")
            #expect(line == "RequestId: id Error: The asynchronous invocation failed, after 3 attempts.")
            #expect(fixture.log.all.filter { $0.hasPrefix("START RequestId: id ") }.count == 3)
            // The record is made after the line.
            let text = try await eventually("the record") { records.all.first }
            let record = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(record["version"] as? String == "1.0")
            #expect((record["timestamp"] as? String)?.wholeMatch(of: /[\d-]+T[\d:.]+Z/) != nil)
            let context = try #require(record["requestContext"] as? [String: Any])
            #expect(context["requestId"] as? String == "id")
            #expect(
                context["functionArn"] as? String
                    == "arn:aws:lambda:us-east-1:000000000000:function:scripted:$LATEST")
            #expect(context["condition"] as? String == "RetriesExhausted")
            #expect(context["approximateInvokeCount"] as? Int == 3)
            #expect(record["requestPayload"] as? [String: String] == event)
            let response = try #require(record["responseContext"] as? [String: Any])
            #expect(response["statusCode"] as? Int == 200 && response["functionError"] as? String == "Unhandled")
            #expect((record["responsePayload"] as? [String: Any])?["errorMessage"] as? String == "wrong")
            #expect(records.all.count == 1)
        }
    }

    @Test func `a retry that succeeds is the last`() async throws {
        let records = LogLines()
        try await withEmulator(configure: {
            $0.eventRetryDelays = [.milliseconds(10), .milliseconds(10), .milliseconds(10)]
            $0.onFailure = { records.add($0) }
        }) { fixture in
            // The process counts: its third invocation succeeds, and streams its answer.
            let payload: [String: Any] = ["raise": "wrong", "raiseBelow": 3, "stream": ["chunks": ["one"]]]
            _ = try await fixture.invoke(payload, headers: event)
            let next = try await eventually("the fourth invocation") {
                let answer = try await fixture.invoke([:])
                return answer.posts == ["202 "] ? answer : nil
            }
            #expect(next.json["count"] as? Int ?? 0 >= 4)
            #expect(records.all.isEmpty)
            #expect(!fixture.log.all.contains { $0.contains("asynchronous") })
        }
    }

    @Test func `a crash is retried too, and no retries may be wanted`() async throws {
        try await withEmulator(configure: { $0.eventRetryDelays = [.milliseconds(1)] }) { fixture in
            _ = try await fixture.invoke(["exit": 3], headers: event)
            let line = try await fixture.log.line("RequestId: id Error: The asynchronous invocation failed")
            #expect(line.hasSuffix("after 2 attempts."))
        }
        try await withEmulator(configure: { $0.eventRetryDelays = [] }) { fixture in
            _ = try await fixture.invoke(["raise": "wrong"], headers: event)
            let line = try await fixture.log.line("RequestId: id Error: The asynchronous invocation failed")
            #expect(line.hasSuffix("after 1 attempt."))
        }
    }

    @Test func `the end of the emulator ends the wait for a retry`() async throws {
        try await withEmulator(configure: { $0.eventRetryDelays = [.seconds(3600)] }) { fixture in
            _ = try await fixture.invoke(["raise": "wrong"], headers: event)
            _ = try await fixture.log.line("REPORT RequestId: id\t")
            await fixture.emulator.shutdown()
            #expect(fixture.log.all.contains("RequestId: id Error: The emulator was shut down before a retry."))
        }
    }
}
