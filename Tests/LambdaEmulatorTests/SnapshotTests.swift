// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

@Suite(.serialized, .timeLimit(.minutes(2)))
struct SnapshotTests {
    @Test func `a sandbox is stopped at its snapshot and goes on`() async throws {
        try await withEmulator(configure: { configure(&$0, "next") }) { fixture in
            let headers = ["X-Perdure-Request-Id": "id"]
            let answer = try await fixture.invoke(["environment": true], headers: headers)
            let seen = try #require(answer.json["environment"] as? [String: String])
            #expect(seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start")
            let restored = try #require(answer.json["restored"] as? [Double])
            #expect(restored[0] == 200 && restored[1] == 0 && restored[2] >= 0.05)
            let report = try await fixture.log.line("REPORT RequestId: id\t")
            #expect(report.contains("\tRestore Duration: ") && !report.contains("Init Duration"))
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 2)
        }
    }

    @Test func `an error after the restore is the answer`() async throws {
        try await withEmulator(configure: { configure(&$0, "error") }) { fixture in
            let answer = try await fixture.invoke([:])
            #expect(answer.isFunctionError && answer.json["errorMessage"] as? String == "not restored")
            #expect(
                try await fixture.log.line("RESTORE_REPORT Restore Duration: ")
                    .hasSuffix("\tStatus: error\tError Type: Runtime.AfterRestoreError"))
        }
    }

    @Test func `a function without snapshots has nothing to restore`() async throws {
        try await withEmulator(configure: { $0.environment["RESTORE"] = "next" }) { fixture in
            let answer = try await fixture.invoke([:])
            #expect((answer.json["restored"] as? [Double])?.first == 404)
        }
    }

    @Test func `the end reaches a runtime in its restore`() async throws {
        try await withEmulator(configure: { configure(&$0, "hang") }) { fixture in
            async let answer = fixture.invoke([:])
            _ = try await eventually("the restore") {
                for sandbox in await fixture.emulator.sandboxes.values
                where await sandbox.restored != nil { return true }
                return nil
            }
            await fixture.emulator.shutdown()
            #expect(try await answer.status == 500)
        }
    }

    @Test func `a restore is for the time before the first next`() throws {
        var state = SandboxState()
        try state.restore()
        #expect(throws: RuntimeAPIError.self) { try state.restore() }
        #expect(throws: RuntimeAPIError.self) { try state.failInit() }
        #expect(try state.next() == .initialized)
        #expect(throws: RuntimeAPIError.self) { try state.restore() }
        #expect(throws: RuntimeAPIError.self) { try state.failRestore() }
        var failed = SandboxState()
        #expect(throws: RuntimeAPIError.self) { try failed.failRestore() }
        try failed.restore()
        try failed.failRestore()
        #expect(failed.phase == .initFailed)
    }

    private func configure(_ function: inout FunctionConfiguration, _ restore: String) {
        function.snapStart = true
        function.environment["RESTORE"] = restore
    }
}
