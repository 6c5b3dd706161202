// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Testing

@testable import LambdaEmulator

/// One-time schedules, which invoke the function when they are due.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScheduleTests {
    private static let client = HTTPClient()

    /// Creates a schedule that is due so many seconds from now, and returns the status.
    @discardableResult
    private func schedule(
        _ name: String, in seconds: Double, event: [String: Any], on fixture: EmulatorFixture,
        method: HTTPMethod = .post, changing: [String: Any] = [:]
    ) async throws -> Int {
        let moment = Date.now.addingTimeInterval(seconds).formatted(.iso8601).dropLast()
        let input = String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self)
        let body: [String: Any] = [
            "ScheduleExpression": "at(\(moment))", "FlexibleTimeWindow": ["Mode": "OFF"],
            "ActionAfterCompletion": "DELETE",
            "Target": [
                "Arn": "arn:aws:lambda:us-east-1:000000000000:function:scripted:live",
                "RoleArn": "arn:aws:iam::000000000000:role/r", "Input": input,
            ],
        ]
        let data = try JSONSerialization.data(withJSONObject: body.merging(changing) { $1 })
        return try await Self.client.send(
            HTTPRequest(method: method, url: "\(fixture.endpoint)/schedules/\(name)", body: Array(data))
        ).status
    }

    private func status(of name: String, on fixture: EmulatorFixture) async throws -> Int {
        try await Self.client.send(HTTPRequest(url: "\(fixture.endpoint)/schedules/\(name)")).status
    }

    private let day = 86_400.0

    @Test func `a schedule of three days hence fires when the clock is moved on`() async throws {
        try await withEmulator { fixture in
            try await schedule("later", in: 3 * day, event: ["print": "on the third day\n"], on: fixture)
            try await schedule("sooner", in: 2 * day, event: ["print": "on the second day\n"], on: fixture)
            try await schedule("off", in: day, event: [:], on: fixture, changing: ["State": "DISABLED"])
            try await schedule(
                "kept", in: day, event: ["print": "on the first day\n"], on: fixture,
                changing: ["ActionAfterCompletion": "NONE"])
            await fixture.emulator.advance(by: .seconds(day - 60))
            #expect(!fixture.log.all.contains { $0.hasPrefix("START") })
            await fixture.emulator.advance(by: .seconds(2 * day + 120))
            for line in ["on the first day", "on the second day", "on the third day"] {
                _ = try await fixture.log.line(line)
            }
            #expect(fixture.log.all.filter { $0.hasPrefix("on the") }.count == 3)
            // Those that are to be deleted are gone, the others have fired once and for all.
            #expect(try await status(of: "later", on: fixture) == 404)
            #expect(try await status(of: "kept", on: fixture) == 200)
            #expect(try await status(of: "off", on: fixture) == 200)
            await fixture.emulator.advance(by: .seconds(day))
            #expect(fixture.log.all.filter { $0.hasPrefix("START") }.count == 3)
        }
    }

    @Test func `a schedule fires by itself, and its failure is retried like that of any event`() async throws {
        try await withEmulator(configure: { $0.eventRetryDelays = [.milliseconds(1)] }) { fixture in
            let event: [String: Any] = ["print": "woken\n", "raise": "wrong"]
            #expect(try await schedule("soon", in: 2, event: event, on: fixture) == 200)
            let line = try await eventually("the failure") {
                fixture.log.all.first { $0.hasSuffix("The asynchronous invocation failed, after 2 attempts.") }
            }
            #expect(line.hasPrefix("RequestId: "))
            #expect(fixture.log.all.filter { $0 == "woken" }.count == 2)
        }
    }

    @Test func `a schedule of thousands of years hence is waited for`() async throws {
        try await withEmulator { fixture in
            let last = ["ScheduleExpression": "at(9999-12-31T23:59:59)"]
            #expect(try await schedule("never", in: day, event: [:], on: fixture, changing: last) == 200)
            #expect(try await schedule("soon", in: 2, event: ["print": "woken\n"], on: fixture) == 200)
            _ = try await fixture.log.line("woken")
            #expect(fixture.log.all.filter { $0.hasPrefix("START") }.count == 1)
        }
    }

    @Test func `a schedule that is replaced fires at its new moment only`() async throws {
        try await withEmulator { fixture in
            try await schedule("wake", in: day, event: ["print": "old\n"], on: fixture)
            let status = try await schedule(
                "wake", in: 2 * day, event: ["print": "new\n"], on: fixture, method: .put)
            #expect(status == 200)
            await fixture.emulator.advance(by: .seconds(1.5 * day))
            await fixture.emulator.advance(by: .seconds(1.5 * day))
            _ = try await fixture.log.line("new")
            #expect(!fixture.log.all.contains("old"))
        }
    }

    @Test func `the function of a schedule need not exist`() async throws {
        try await withEmulator { fixture in
            let target = [
                "Arn": "arn:aws:lambda:us-east-1:000000000000:function:nobody",
                "RoleArn": "arn:aws:iam::000000000000:role/r",
            ]
            try await schedule("wake", in: day, event: [:], on: fixture, changing: ["Target": target])
            await fixture.emulator.advance(by: .seconds(2 * day))
            _ = try await fixture.log.line("Schedule wake Error: there is no function nobody")
        }
    }

    @Test func `web pages cannot schedule, and nothing is scheduled after the end`() async throws {
        try await withEmulator { fixture in
            var request = HTTPRequest(url: "\(fixture.endpoint)/schedules")
            request.headers["Origin"] = "https://example.com"
            #expect(try await Self.client.send(request).status == 403)
            try await schedule("wake", in: 1, event: ["print": "woken\n"], on: fixture)
            await fixture.emulator.shutdown()
            await fixture.emulator.advance(by: .seconds(2 * day))
            #expect(!fixture.log.all.contains { $0.hasPrefix("START") })
        }
    }

    @Test(.enabled("python3 or its boto3 cannot be imported") { await Python.canImport("boto3") })
    func `boto3 is served`() async throws {
        try await withEmulator { fixture in
            let result = try await runProgram(
                ["python3", Fixtures.script("schedule.py"), fixture.endpoint, "scripted"],
                environment: SDKTests.fakeCredentials)
            try #require(result.status == 0, "\(result.errors)")
            let answers = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: [String: Any]])
            func code(_ name: String) -> String? { answers[name]?["code"] as? String }
            let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/one"
            #expect(answers["create"]?["ScheduleArn"] as? String == arn)
            #expect(answers["repeated"]?["ScheduleArn"] as? String == arn)
            #expect(code("conflict") == "ConflictException" && answers["conflict"]?["status"] as? Int == 409)

            let found = try #require(answers["get"])
            let target = try #require(found["Target"] as? [String: Any])
            #expect(target["Arn"] as? String == "arn:aws:lambda:us-east-1:000000000000:function:scripted")
            #expect(target["Input"] as? String == #"{"print": "woken\n"}"#)
            #expect((target["RetryPolicy"] as? [String: Int])?["MaximumRetryAttempts"] == 185)
            #expect((found["CreationDate"] as? String)?.hasPrefix("a date of 20") == true)
            let texts = found.compactMapValues { $0 as? String }
            #expect(texts["Name"] == "one" && texts["GroupName"] == "default" && texts["State"] == "ENABLED")
            #expect(texts["ScheduleExpression"] == "at(2099-01-01T00:00:00)")
            #expect(texts["ActionAfterCompletion"] == "DELETE" && texts["ScheduleExpressionTimezone"] == "UTC")

            for name in ["missing", "unknownGroup", "updateMissing", "deleteMissing"] {
                #expect(code(name) == "ResourceNotFoundException" && answers[name]?["status"] as? Int == 404, "\(name)")
            }
            for name in ["group", "past", "noMoment", "cron", "notJSON"] {
                #expect(code(name) == "ValidationException" && answers[name]?["status"] as? Int == 400, "\(name)")
            }
            #expect(answers["missing"]?["message"] as? String == "Schedule none does not exist.")
            #expect(answers["update"]?["ScheduleArn"] as? String == arn)
            #expect(answers["updated"]?["ScheduleExpression"] as? String == "at(2099-01-02T00:00:00)")
            #expect(answers["updated"]?["ActionAfterCompletion"] as? String == "NONE")
            #expect(answers["updated"]?["Description"] as? String == "later")
            func names(_ page: String) -> [String?]? {
                (answers[page]?["Schedules"] as? [[String: Any]])?.map { $0["Name"] as? String }
            }
            #expect(names("page") == ["one"] && answers["page"]?["NextToken"] as? String == "default/one")
            #expect(names("rest") == ["two"] && answers["rest"]?["NextToken"] == nil)
            #expect(names("prefix") == ["two"])
            #expect(answers["delete"]?.isEmpty == true)
        }
    }
}
