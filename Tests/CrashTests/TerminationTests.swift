// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// SIGTERM in the middle of a turn: it stops at its next safe point, keeps what it has, and gives the session back.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TerminationTests {
    static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1"]

    /// Sends SIGTERM once the condition holds, and has the caller's answer and the time that the sandbox took to end.
    func terminate(
        _ deployment: Deployment, when condition: @escaping @Sendable () -> Bool
    ) async throws -> (answer: JSONValue, isError: Bool, duration: Duration) {
        async let invocation = deployment.invoke(Self.event)
        while !condition() { try await Task.sleep(for: .milliseconds(5)) }
        let process = try #require(await deployment.emulator.sandboxProcessIDs.first)
        let start = ContinuousClock.now
        kill(process, SIGTERM)
        while await deployment.emulator.sandboxProcessIDs.contains(process) {
            try await Task.sleep(for: .milliseconds(1))
        }
        let duration = start.duration(to: .now)
        let (answer, isError) = try await invocation
        return (answer, isError, duration)
    }

    func checkEnd(of end: (answer: JSONValue, isError: Bool, duration: Duration)) {
        // An answer of its own, and not the service's for a process that is gone.
        #expect(end.isError)
        #expect(end.answer["errorType"]?.string == "Function.DeadlineExceeded")
        // 7 ms on a machine with nothing else to do; the runtime gives up after 400 ms.
        #expect(end.duration < .seconds(20))
        print("a turn ended \(end.duration) after SIGTERM")
    }

    @Test func `a turn that waits for the model`() async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, _ in
            number == 0 ? .hang : .text("All done.")
        }
        try await Deployment.run(answer: answer) { deployment in
            checkEnd(of: try await terminate(deployment) { !deployment.model.requests.isEmpty })
            let second = try await deployment.invoke(Self.event)
            #expect(second.answer["reply"]?.string == "All done.")
            #expect(
                try deployment.query("SELECT group_concat(kind) FROM (SELECT kind FROM log ORDER BY seq)")
                    == "input,pause,attempt,reply")
        }
    }

    @Test func `a turn that waits for one tool keeps the result of the other`() async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
            request["messages"]?.array?.last?["role"]?.string == "user"
                ? .toolCalls([.init(name: "pay"), .init(name: "wait")]) : .text("All done.")
        }
        try await Deployment.run(answer: answer) { deployment in
            let mark = deployment.root.appendingPathComponent("mark").path
            checkEnd(
                of: try await terminate(deployment) {
                    FileManager.default.fileExists(atPath: mark) && deployment.effects.count == 1
                })
            let second = try await deployment.invoke(Self.event)
            #expect(second.answer["reply"]?.string == "All done.")
            #expect(deployment.effects.map(\.tool) == ["pay"])
            #expect(try deployment.query("SELECT count(*) FROM log WHERE kind = 'result'") == "2")
            #expect(try deployment.query("SELECT state FROM calls WHERE tool = 'pay'") == "settled")
        }
    }
}
