// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// Several invocations at once in one sandbox.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConcurrentSandboxTests {
    private func configure(_ function: inout FunctionConfiguration, workers: Int = 3) {
        function.concurrencyPerSandbox = 3
        function.environment["WORKERS"] = "\(workers)"
    }

    /// Waits until that many workers ask for invocations.
    private func waitForPolls(_ count: Int, _ fixture: EmulatorFixture) async throws {
        _ = try await eventually("\(count) polls") {
            await fixture.emulator.pools["scripted"]?.idle.count == count ? true : nil
        }
    }

    @Test func `as many run at once as there are workers, in one process that never freezes`() async throws {
        try await withEmulator(configure: { configure(&$0) }) { fixture in
            let first = try await fixture.invoke(["environment": true])
            let environment = try #require(first.json["environment"] as? [String: String])
            #expect(environment["AWS_LAMBDA_MAX_CONCURRENCY"] == "3")
            #expect(environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "lambda-managed-instances")
            try await waitForPolls(3, fixture)
            let pid = Int32(try #require(first.json["pid"] as? Int))
            let gate = fixture.path("gate")
            func call(_ id: String) async throws -> EmulatorFixture.Answer {
                try await fixture.invoke(["waitFor": gate, "event": id], headers: ["X-Perdure-Request-Id": id])
            }
            async let one = call("1")
            async let two = call("2")
            async let three = call("3")
            for id in 1...3 { _ = try await fixture.log.line("START RequestId: \(id) ") }
            async let four = call("4")
            _ = try await eventually("one queued") {
                await fixture.emulator.pools["scripted"]?.waitingCount == 1 ? true : nil
            }
            fixture.create(gate)
            let answers = try await [one, two, three, four]
            #expect(answers.map { $0.json["event"] as? String } == ["1", "2", "3", "4"])
            #expect(Set(answers.compactMap { $0.json["pid"] as? Int }) == [Int(pid)])
            for id in 1...4 { _ = try await fixture.log.line("REPORT RequestId: \(id)\t") }
            try await waitForPolls(3, fixture)
            _ = try await eventually("state S") { processState(pid) == "S" ? true : nil }
        }
    }

    @Test func `two attempts of one request may run at once`() async throws {
        try await withEmulator(configure: { configure(&$0) }) { fixture in
            _ = try await fixture.invoke([:])
            try await waitForPolls(3, fixture)
            let gate = fixture.path("gate")
            let headers = ["X-Perdure-Request-Id": "same"]
            async let one = fixture.invoke(["waitFor": gate, "event": "one"], headers: headers)
            async let two = fixture.invoke(["waitFor": gate, "event": "two"], headers: headers)
            _ = try await eventually("both") {
                fixture.log.all.filter { $0.hasPrefix("START RequestId: same ") }.count == 2 ? true : nil
            }
            fixture.create(gate)
            let answers = try await [one, two]
            #expect(answers.map { $0.json["event"] as? String } == ["one", "two"])
        }
    }

    @Test func `a time-out ends the invocation and not the process`() async throws {
        try await withEmulator(configure: {
            configure(&$0)
            $0.timeout = .seconds(3)
        }) { fixture in
            let first = try await fixture.invoke([:])
            try await waitForPolls(3, fixture)
            let gate = fixture.path("gate")
            let late = try await fixture.invoke(["waitFor": gate], headers: ["X-Perdure-Request-Id": "late"])
            #expect(late.json["errorType"] as? String == "Sandbox.Timedout")
            #expect(try await fixture.log.line("REPORT RequestId: late\t").hasSuffix("Status: timeout"))
            let next = try await fixture.invoke([:])
            #expect(next.json["pid"] as? Int == first.json["pid"] as? Int && !next.isFunctionError)
            #expect(!fixture.log.all.contains { $0.hasPrefix("answer:") })
            fixture.create(gate)
            #expect(try await fixture.log.line("answer:") == "answer: 410 InvokeTimeout")
            try await waitForPolls(3, fixture)
        }
    }

    @Test func `a late stream is told so at its end`() async throws {
        try await withEmulator(configure: {
            configure(&$0)
            $0.timeout = .seconds(3)
        }) { fixture in
            _ = try await fixture.invoke([:])
            let gate = fixture.path("gate")
            let event = ["stream": ["chunks": ["one", "two"], "gates": ["1": gate]]]
            let late = try await fixture.invoke(event)
            #expect(late.isFunctionError && late.json["errorType"] as? String == "Sandbox.Timedout")
            fixture.create(gate)
            let posts = try await eventually("the late answer") {
                let posts = try await fixture.invoke([:]).posts
                return posts.isEmpty ? nil : posts
            }
            #expect(posts == ["410 InvokeTimeout"])
        }
    }

    @Test func `a crash fails all that run`() async throws {
        try await withEmulator(configure: { configure(&$0) }) { fixture in
            _ = try await fixture.invoke([:])
            try await waitForPolls(3, fixture)
            async let one = fixture.invoke(["waitFor": "/never"], headers: ["X-Perdure-Request-Id": "1"])
            _ = try await fixture.log.line("START RequestId: 1 ")
            async let two = fixture.invoke(["exit": 3], headers: ["X-Perdure-Request-Id": "2"])
            for (id, answer) in try await [("1", one), ("2", two)] {
                #expect(
                    answer.json["errorMessage"] as? String
                        == "RequestId: \(id) Error: Runtime exited with error: exit status 3")
            }
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `a worker too many is refused`() async throws {
        try await withEmulator(configure: { configure(&$0, workers: 4) }) { fixture in
            // Which of the four it is depends on when the first invocation is taken; the thread ends and says why.
            _ = try await fixture.invoke([:])
            try await waitForPolls(3, fixture)
            _ = try await eventually("the refusal") {
                fixture.log.all.contains { $0.contains("next: 500 ") } ? true : nil
            }
            #expect(try await fixture.invoke([:]).status == 200)
        }
    }

    struct RefusalCase: Sendable, CustomTestStringConvertible {
        var post: String
        /// The type of the error that the caller gets; nil for the runtime's answer.
        var type: String?
        /// What the runtime is told, first to the post and then to its answer.
        var told: [String]
        var testDescription: String { post }
    }

    @Test(arguments: [
        RefusalCase(
            post: #"{"kind": "response", "headers": {"Lambda-Runtime-Function-Response-Mode": "none"}}"#,
            type: "Runtime.InvalidResponseModeHeader",
            told: ["400 InvalidFunctionResponseMode", "400 InvalidRequestID"]),
        RefusalCase(post: #"{"kind": "error", "size": 1048576}"#, type: "1", told: ["202 ", "400 InvalidRequestID"]),
        RefusalCase(
            post: #"{"kind": "error", "size": 1048577}"#, type: nil, told: ["413 RequestEntityTooLarge", "202 "]),
    ])
    func `a refused answer does not concern the other invocations`(_ test: RefusalCase) async throws {
        try await withEmulator(configure: { configure(&$0) }) { fixture in
            let gate = fixture.path("gate")
            async let other = fixture.invoke(["waitFor": gate], headers: ["X-Perdure-Request-Id": "other"])
            _ = try await fixture.log.line("START RequestId: other ")
            let event = #"{"posts": [\#(test.post), {"kind": "response"}], "silent": true}"#
            let answer = try await fixture.invoke(0, raw: Data(event.utf8))
            switch test.type {
            case nil: #expect(String(decoding: answer.body, as: UTF8.self) == #""posted""#)
            case "1": #expect(answer.isFunctionError && answer.body.count == 1_048_576)
            case let type: #expect(answer.json["errorType"] as? String == type)
            }
            fixture.create(gate)
            #expect(try await !other.isFunctionError)
            // The posts are told once they are all made.
            let posts = try await eventually("two posts") {
                let posts = try await fixture.invoke([:]).posts
                return posts.count == 2 ? posts : nil
            }
            #expect(posts == test.told)
        }
    }

    @Test func `many calls at once are all answered`() async throws {
        try await withEmulator(configure: { configure(&$0) }) { fixture in
            let events = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<60 {
                    group.addTask { try await fixture.invoke(["event": number]).json["event"] as? Int }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(events.compactMap(\.self)) == Set(0..<60))
            #expect(await fixture.emulator.sandboxProcessIDs.count == 1)
        }
    }

    @Test func `extensions work here too, but without events`() async throws {
        let term = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: term) }
        try await withEmulator(configure: {
            configure(&$0)
            $0.environment.merge(["EXTENSION": "{}", "SIGTERM": term]) { $1 }
        }) { fixture in
            let answer = try await fixture.invoke([:])
            #expect(answer.status == 200)
            try await waitForPolls(3, fixture)
            await fixture.emulator.shutdown()
            #expect(FileManager.default.fileExists(atPath: term))
        }
    }
}
