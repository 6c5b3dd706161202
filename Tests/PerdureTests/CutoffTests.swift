// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ModelClients
import Testing

@testable import Perdure

@Suite(.timeLimit(.minutes(1))) struct CutoffTests {
    struct Own: Error {}
    static let soon = Duration.milliseconds(50)
    static let never = Duration.seconds(3600)

    func cutoff(_ time: Duration) -> ContinuousClock.Instant { .now.advanced(by: time) }

    @Test func `what is done in time is returned, and at once`() async throws {
        #expect(try await withCutoff(nil) { 1 } == 1)
        #expect(try await withCutoff(cutoff(Self.never)) { 2 } == 2)
    }

    @Test func `an error in time is thrown, and at once`() async {
        await #expect(throws: Own.self) { try await withCutoff(nil) { throw Own() } }
        await #expect(throws: Own.self) { try await withCutoff(cutoff(Self.never)) { throw Own() } }
    }

    @Test(arguments: [soon, .zero, .seconds(-5)])
    func `what hangs is cancelled at the cutoff`(time: Duration) async {
        let error = await #expect(throws: AgentError.self) {
            try await withCutoff(cutoff(time)) { try await Task.sleep(for: Self.never) }
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func `a model that says that it was cancelled is late`() async {
        let error = await #expect(throws: AgentError.self) {
            try await withCutoff(cutoff(Self.soon)) {
                try? await Task.sleep(for: Self.never)
                throw ModelError(.cancelled, "the task was cancelled")
            }
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func `an error of another kind is not taken for lateness`() async {
        await #expect(throws: Own.self) {
            try await withCutoff(cutoff(Self.soon)) {
                try? await Task.sleep(for: Self.never)
                throw Own()
            }
        }
    }

    @Test func `what is done although it was cancelled is returned, and waited for`() async throws {
        let result = try await withCutoff(cutoff(Self.soon)) {
            try? await Task.sleep(for: Self.never)
            await Task { try? await Task.sleep(for: Self.soon) }.value
            return 3
        }
        #expect(result == 3)
    }

    @Test func `what a tool with a time limit returns counts, although its turn was cancelled meanwhile`() async throws
    {
        let task = Task {
            try await withTimeLimit(Self.never) {
                try? await Task.sleep(for: Self.never)
                await Task { try? await Task.sleep(for: Self.soon) }.value
                return "done"
            }
        }
        task.cancel()
        #expect(try await task.value == "done")
    }

    @Test func `what a tool with a time limit throws is not taken for the limit, when its turn was cancelled`() async {
        let task = Task {
            try await withTimeLimit(Self.never) {
                try? await Task.sleep(for: Self.never)
                throw Own()
            }
        }
        task.cancel()
        await #expect(throws: Own.self) { try await task.value }
    }

    @Test(arguments: [nil, never]) func `a task that is cancelled cancels what it runs`(time: Duration?) async {
        let task = Task {
            try await withCutoff(time.map(cutoff)) { try await Task.sleep(for: Self.never) }
        }
        task.cancel()
        let error = await #expect(throws: (any Error).self) { try await task.value }
        #expect(error.map { AgentError($0).code } == .deadlineExceeded)
    }
}
