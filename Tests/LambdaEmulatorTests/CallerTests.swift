// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// Who may call, and what a call carries.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CallerTests {
    @Test(arguments: ["https://example.com", "http://localhost:3000", "null"])
    func `a web page is not served`(_ origin: String) async throws {
        try await withEmulator { fixture in
            for kind in ["RequestResponse", "Event"] {
                let answer = try await fixture.invoke(
                    [:], headers: ["Origin": origin, "X-Amz-Invocation-Type": kind])
                #expect(answer.status == 403)
                #expect(answer.headers["x-amzn-errortype"] == "AccessDeniedException")
            }
            #expect(await fixture.emulator.sandboxProcessIDs.isEmpty)
            // Nor may it post to a sandbox's Runtime API.
            let post: [String: Any] = ["kind": "error", "headers": ["Origin": origin]]
            #expect(try await fixture.invoke(["posts": [post]]).posts == ["403 AccessDenied"])
        }
    }

    @Test func `a call is served as soon as the port is open`() async throws {
        let folder = FileManager.default.temporaryDirectory
        for _ in 0..<10 {
            // A port that was free a moment ago.
            let probe = LambdaEmulator(functions: []) { _ in }
            let port = try await probe.start().port
            await probe.shutdown()
            let function = FunctionConfiguration(
                name: "scripted", bootstrap: Fixtures.script("scripted.py"),
                environment: ["PATH": try await Python.path()], timeout: .seconds(60))
            let emulator = LambdaEmulator(functions: [function]) { _ in }
            let fixture = EmulatorFixture(
                emulator: emulator, endpoint: "http://127.0.0.1:\(port)", log: LogLines(), folder: folder)
            let answer = Task { @concurrent in
                while true {
                    // Refused until the port is open.
                    if let answer = try? await fixture.invoke([:]) { return answer }
                    try Task.checkCancellation()
                }
            }
            do {
                _ = try await emulator.start(port: port)
                #expect(try await answer.value.status == 200)
            } catch {
                answer.cancel()
                throw error
            }
            await emulator.shutdown()
        }
    }

    @Test func `tenants are told and share no sandbox`() async throws {
        try await withEmulator(configure: {
            $0.isolatesTenants = true
            $0.maximumConcurrency = 2
        }) { fixture in
            var pids: [String: Int] = [:]
            // The third tenant takes the place of one that is idle.
            for tenant in ["a", "b", "a", "b", "c"] {
                let answer = try await fixture.invoke(
                    [:], headers: ["X-Amz-Tenant-Id": tenant, "X-Amz-Log-Type": "Tail"])
                let headers = try #require(answer.json["headers"] as? [String: String])
                #expect(headers["lambda-runtime-aws-tenant-id"] == tenant)
                let pid = try #require(answer.json["pid"] as? Int)
                if let known = pids.updateValue(pid, forKey: tenant) { #expect(pid == known) }
                let idle = min(Set(pids.keys).count, 2)
                _ = try await eventually("an idle sandbox") {
                    await fixture.emulator.pools["scripted"]?.idle.count == idle ? true : nil
                }
            }
            #expect(Set(pids.values).count == 3)
            let nobody = try await fixture.invoke([:])
            #expect(nobody.status == 400)
            #expect(nobody.headers["x-amzn-errortype"] == "InvalidParameterValueException")
        }
    }

    @Test func `a tenant that waits gets the place of another one`() async throws {
        try await withEmulator(configure: { $0.isolatesTenants = true }) { fixture in
            let gate = fixture.path("gate")
            async let one = fixture.invoke(["waitFor": gate], headers: ["X-Amz-Tenant-Id": "a"])
            _ = try await fixture.log.line("START ")
            async let two = fixture.invoke([:], headers: ["X-Amz-Tenant-Id": "b"])
            _ = try await eventually("one queued") {
                await fixture.emulator.pools["scripted"]?.waitingCount == 1 ? true : nil
            }
            fixture.create(gate)
            let pids = try await [one, two].compactMap { $0.json["pid"] as? Int }
            #expect(Set(pids).count == 2)
        }
    }

    @Test(arguments: [1000, 65_536])
    func `an X-Ray cause is read and dropped`(_ size: Int) async throws {
        try await withEmulator { fixture in
            let cause = String(repeating: "x", count: size)
            let headers = ["Lambda-Runtime-Function-XRay-Error-Cause": cause]
            let post: [String: Any] = ["kind": "error", "headers": headers]
            let answer = try await fixture.invoke(["posts": [post], "silent": true])
            #expect(answer.isFunctionError && String(decoding: answer.body, as: UTF8.self) == #""posted""#)
            #expect(try await fixture.invoke([:]).posts == ["202 "])
        }
    }

    @Test func `a posted body that breaks off leaves the invocation stuck`() async throws {
        try await withEmulator { fixture in
            // No mode, so it is a buffered answer, in chunks without the last one.
            let event = ["stream": ["chunks": ["one"], "mode": "", "breaksOff": true] as [String: Any]]
            let answer = try await fixture.invoke(event)
            #expect(answer.isFunctionError && answer.json["errorType"] as? String == "Runtime.ExitError")
            _ = try await eventually("the refusal") {
                fixture.log.all.first { $0.contains("State transition from InvocationResponse to Ready failed") }
            }
        }
    }
}
