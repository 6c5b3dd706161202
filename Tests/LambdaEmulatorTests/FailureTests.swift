// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

@Suite(.timeLimit(.minutes(2)))
struct FailureTests {
    struct EndCase: Sendable, CustomTestStringConvertible {
        var event: [String: Int32]
        var message: String
        var testDescription: String { message }
    }

    @Test(arguments: [
        EndCase(event: ["kill": 9], message: "Runtime exited with error: signal: killed"),
        EndCase(event: ["kill": 11], message: "Runtime exited with error: signal: segmentation fault"),
        EndCase(event: ["exit": 3], message: "Runtime exited with error: exit status 3"),
        EndCase(event: ["exit": 0], message: "Runtime exited without providing a reason"),
    ])
    func `a runtime that ends fails its invocation and is replaced`(_ test: EndCase) async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(test.event, headers: ["X-Perdure-Request-Id": "id"])
            #expect(answer.status == 200 && answer.isFunctionError)
            #expect(answer.json["errorType"] as? String == "Runtime.ExitError")
            // A core dump, where the machine makes them, is said at the end.
            let message = try #require(answer.json["errorMessage"] as? String)
            #expect(message.hasPrefix("RequestId: id Error: \(test.message)"))
            #expect(
                try await fixture.log.line("REPORT RequestId: id\t")
                    .hasSuffix("Status: error\tError Type: Runtime.ExitError"))
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `at the deadline the sandbox is killed`() async throws {
        try await withEmulator(configure: { $0.timeout = .milliseconds(1500) }) { fixture in
            // The first one pays the interpreter's start in its init.
            let first = try await fixture.invoke([:])
            let pid = try #require(first.json["pid"] as? Int)
            let start = ContinuousClock.now
            let answer = try await fixture.invoke(["sleep": 60], headers: ["X-Perdure-Request-Id": "id"])
            #expect(start.duration(to: .now) >= .milliseconds(1500))
            #expect(answer.isFunctionError)
            #expect(answer.json["errorType"] as? String == "Sandbox.Timedout")
            #expect(
                answer.json["errorMessage"] as? String == "RequestId: id Error: Task timed out after 1.50 seconds")
            #expect(processState(Int32(pid)) == nil)
            #expect(
                fixture.log.all.contains {
                    $0.wholeMatch(of: /\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z id Task timed out after 1\.50 seconds/) != nil
                })
            #expect(
                try await fixture.log.line("REPORT RequestId: id\tDuration: 1500.00 ms\t").hasSuffix("Status: timeout"))
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `the deadline ends background work`() async throws {
        try await withEmulator(configure: { $0.timeout = .milliseconds(1500) }) { fixture in
            let answer = try await fixture.invoke(
                ["background": fixture.path("never")], headers: ["X-Perdure-Request-Id": "id"])
            #expect(!answer.isFunctionError)
            #expect(try await fixture.log.line("REPORT RequestId: id\t").hasSuffix("Status: timeout"))
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `the processes of a dead bootstrap go with it`() async throws {
        let shell = try await shellBootstrap("sleep 1000 & echo $! > \"$CHILD\"; exit 5")
        defer { try? FileManager.default.removeItem(atPath: shell) }
        try await withEmulator(configure: {
            $0.bootstrap = shell
            $0.environment["CHILD"] = shell + ".child"
        }) { fixture in
            defer { try? FileManager.default.removeItem(atPath: shell + ".child") }
            let answer = try await fixture.invoke([:])
            #expect(answer.json["errorType"] as? String == "Runtime.ExitError")
            let text = try String(contentsOfFile: shell + ".child", encoding: .utf8)
            let child = try #require(Int32(text.trimmingCharacters(in: .newlines)))
            // Init reaps it, in its own time.
            _ = try await eventually("the child's end") { [nil, "Z"].contains(processState(child)) ? true : nil }
        }
    }

    @Test func `an init error is the answer`() async throws {
        try await withEmulator(configure: { $0.environment["INIT"] = "error" }) { fixture in
            let answer = try await fixture.invoke([:])
            #expect(answer.status == 200 && answer.isFunctionError)
            #expect(answer.json["errorMessage"] as? String == "no module")
            #expect(
                try await fixture.log.line("INIT_REPORT Init Duration: ")
                    .hasSuffix("\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError"))
        }
    }

    @Test func `an exit during init is the answer`() async throws {
        try await withEmulator(configure: { $0.environment["INIT"] = "exit" }) { fixture in
            for id in ["one", "two"] {
                let answer = try await fixture.invoke([:], headers: ["X-Perdure-Request-Id": id])
                #expect(answer.isFunctionError)
                #expect(
                    answer.json["errorMessage"] as? String
                        == "RequestId: \(id) Error: Runtime exited with error: exit status 4")
            }
        }
    }

    @Test func `an init has its own time-out`() async throws {
        try await withEmulator(configure: {
            $0.environment["INIT"] = "hang"
            $0.initTimeout = .milliseconds(500)
        }) { fixture in
            let answer = try await fixture.invoke([:], headers: ["X-Perdure-Request-Id": "id"])
            #expect(answer.json["errorType"] as? String == "Sandbox.Timedout")
            #expect(answer.json["errorMessage"] as? String == "RequestId: id Error: Init timed out after 0.50 seconds")
        }
    }

    @Test func `a missing bootstrap is named`() async throws {
        try await withEmulator(configure: { $0.bootstrap = "/nowhere/bootstrap" }) { fixture in
            let answer = try await fixture.invoke([:], headers: ["X-Perdure-Request-Id": "id"])
            #expect(answer.json["errorType"] as? String == "Runtime.InvalidEntrypoint")
            #expect(
                answer.json["errorMessage"] as? String
                    == "RequestId: id Error: Couldn't find valid bootstrap(s): [/nowhere/bootstrap]")
        }
    }

    @Test func `shutdown answers what is under way`() async throws {
        try await withEmulator { fixture in
            async let running = fixture.invoke(["waitFor": "/never"], headers: ["X-Perdure-Request-Id": "running"])
            _ = try await fixture.log.line("START RequestId: running")
            async let waiting = fixture.invoke(["waitFor": "/never"])
            let pids = await fixture.emulator.sandboxProcessIDs
            await fixture.emulator.shutdown()
            #expect(pids.count == 1 && pids.allSatisfy { processState($0) == nil })
            let answer = try await running
            #expect("\(answer.status) \(answer.headers["x-amzn-errortype"] ?? "")" == "500 ServiceException")
            // It was queued, or came to a closed port.
            if let late = try? await waiting { #expect(late.status == 500) }
        }
    }

    private func shellBootstrap(_ text: String) async throws -> String {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
        return url.path
    }
}
