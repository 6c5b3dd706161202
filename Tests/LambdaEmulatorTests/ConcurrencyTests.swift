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
struct FreezeTests {
    @Test func `a sandbox is stopped between invocations`() async throws {
        try await withEmulator { fixture in
            let first = try await fixture.invoke([:])
            let pid = Int32(try #require(first.json["pid"] as? Int))
            for count in 2...4 {
                _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
                #expect(try await fixture.invoke([:]).json["count"] as? Int == count)
            }
        }
    }

    @Test func `background work runs on until the next poll`() async throws {
        try await withEmulator { fixture in
            let gate = fixture.path("gate")
            let answer = try await fixture.invoke(["background": gate], headers: ["X-Perdure-Request-Id": "id"])
            let pid = Int32(try #require(answer.json["pid"] as? Int))
            #expect(processState(pid) != "T")
            #expect(!fixture.log.all.contains("END RequestId: id"))
            fixture.create(gate)
            _ = try await fixture.log.line("END RequestId: id")
            _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
            let lines = fixture.log.all
            let work = try #require(lines.firstIndex(of: "background done"))
            #expect(try work < #require(lines.firstIndex(of: "END RequestId: id")))
        }
    }

    @Test func `freezing can be switched off`() async throws {
        try await withEmulator(configure: { $0.freezesBetweenInvocations = false }) { fixture in
            let answer = try await fixture.invoke([:], headers: ["X-Amz-Log-Type": "Tail"])
            let pid = Int32(try #require(answer.json["pid"] as? Int))
            // The log was asked for: the sandbox has polled.
            _ = try await eventually("state S") { processState(pid) == "S" ? true : nil }
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 2)
        }
    }

    @Test func `an idle sandbox that was killed is replaced`() async throws {
        try await withEmulator { fixture in
            for _ in 1...3 {
                let answer = try await fixture.invoke([:])
                #expect(answer.json["count"] as? Int == 1)
                let pid = try #require(await fixture.emulator.sandboxProcessIDs.first)
                _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
                #expect(kill(pid, SIGKILL) == 0)
                _ = try await eventually("its end") { [nil, "Z"].contains(processState(pid)) ? true : nil }
            }
        }
    }

    @Test func `a frozen sandbox does not outlive a killed emulator`() async throws {
        let result = await #expect(
            processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
        ) {
            try await withEmulator { fixture in
                _ = try await fixture.invoke([:])
                let pid = try #require(await fixture.emulator.sandboxProcessIDs.first)
                _ = try await eventually("state T") { processState(pid) == "T" ? true : nil }
                FileHandle.standardOutput.write(Data("sandbox=\(pid)\n".utf8))
                kill(getpid(), SIGKILL)
            }
        }
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        let match = try #require(output.firstMatch(of: /sandbox=(\d+)\n/))
        let pid = try #require(Int32(match.1))
        _ = try await eventually("its end") { [nil, "Z"].contains(processState(pid)) ? true : nil }
    }
}

@Suite(.timeLimit(.minutes(2)))
struct ConcurrencyTests {
    @Test func `two run at once and the third waits`() async throws {
        try await withEmulator(configure: { $0.maximumConcurrency = 2 }) { fixture in
            let gate = fixture.path("gate")
            async let one = fixture.invoke(["waitFor": gate], headers: ["X-Perdure-Request-Id": "1"])
            _ = try await fixture.log.line("START RequestId: 1 ")
            async let two = fixture.invoke(["waitFor": gate], headers: ["X-Perdure-Request-Id": "2"])
            _ = try await fixture.log.line("START RequestId: 2 ")
            async let three = fixture.invoke([:], headers: ["X-Perdure-Request-Id": "3"])
            try await waitUntilQueued(1, fixture.emulator)
            #expect(await fixture.emulator.sandboxProcessIDs.count == 2)
            #expect(!fixture.log.all.contains { $0.hasPrefix("START RequestId: 3 ") })
            fixture.create(gate)
            let pids = try await [one, two].compactMap { $0.json["pid"] as? Int }
            #expect(Set(pids).count == 2)
            let third = try await three
            #expect(third.json["count"] as? Int == 2)
        }
    }

    @Test func `a full function can throttle`() async throws {
        try await withEmulator(configure: { $0.whenBusy = .throttle }) { fixture in
            let gate = fixture.path("gate")
            async let one = fixture.invoke(["waitFor": gate], headers: ["X-Perdure-Request-Id": "1"])
            _ = try await fixture.log.line("START RequestId: 1 ")
            let two = try await fixture.invoke([:])
            #expect(two.status == 429)
            #expect(two.headers["x-amzn-errortype"] == "TooManyRequestsException")
            #expect(two.json["Reason"] as? String == "ReservedFunctionConcurrentInvocationLimitExceeded")
            fixture.create(gate)
            #expect(try await one.status == 200)
        }
    }

    @Test func `the sandbox used last is used first`() async throws {
        try await withEmulator(configure: { $0.maximumConcurrency = 2 }) { fixture in
            let gates = ["a", "b"].map { fixture.path($0) }
            async let one = fixture.invoke(["waitFor": gates[0]], headers: ["X-Perdure-Request-Id": "1"])
            _ = try await fixture.log.line("START RequestId: 1 ")
            async let two = fixture.invoke(["waitFor": gates[1]], headers: ["X-Perdure-Request-Id": "2"])
            _ = try await fixture.log.line("START RequestId: 2 ")
            fixture.create(gates[1])
            _ = try await two
            _ = try await fixture.log.line("REPORT RequestId: 2\t")
            fixture.create(gates[0])
            let last = try await one.json["pid"] as? Int
            _ = try await fixture.log.line("REPORT RequestId: 1\t")
            try await waitUntilIdle(2, fixture.emulator)
            for _ in 1...3 {
                let answer = try await fixture.invoke([:], headers: ["X-Amz-Log-Type": "Tail"])
                #expect(answer.json["pid"] as? Int == last)
                try await waitUntilIdle(2, fixture.emulator)
            }
        }
    }

    @Test func `many calls at once are all answered`() async throws {
        try await withEmulator(configure: { $0.maximumConcurrency = 3 }) { fixture in
            let events = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<60 {
                    group.addTask { try await fixture.invoke(["event": number]).json["event"] as? Int }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(events.compactMap(\.self)) == Set(0..<60))
            #expect(await fixture.emulator.sandboxProcessIDs.count <= 3)
        }
    }

    private func waitUntilQueued(_ count: Int, _ emulator: LambdaEmulator) async throws {
        _ = try await eventually("\(count) queued") {
            await emulator.pools["scripted"]?.waitingCount == count ? true : nil
        }
    }

    private func waitUntilIdle(_ count: Int, _ emulator: LambdaEmulator) async throws {
        _ = try await eventually("\(count) idle") {
            await emulator.pools["scripted"]?.idle.count == count ? true : nil
        }
    }
}
