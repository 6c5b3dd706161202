// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// One request that is delivered several times at once, to several processes.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DeliveryTests {
    static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1"]

    @Test func `a request that is delivered ten times at once to four processes is one turn with ten equal answers`()
        async throws
    {
        let gate = DispatchSemaphore(value: 0)
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
            if request["messages"]?.array?.last?["role"]?.string == "user" {
                return .toolCalls([.init(name: "set"), .init(name: "pay")])
            }
            return .pieces(["All done."]) { _ in _ = gate.wait(timeout: .now() + 60) }
        }
        try await Deployment.run(concurrency: 4, perSandbox: 3, answer: answer) { deployment in
            let answers = try await withThrowingTaskGroup(of: (JSONValue, Bool).self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        let (answer, isError) = try await deployment.invoke(Self.event)
                        return (answer, isError)
                    }
                }
                // In the middle of the turn, each process has some of them, and one has the session.
                let isUnderWay = { @Sendable in
                    let processes = await deployment.emulator.sandboxProcessIDs.count
                    return processes == 4 && deployment.model.requests.count == 2
                }
                while await !isUnderWay() { try await Task.sleep(for: .milliseconds(5)) }
                gate.signal()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 10)
            #expect(Set(answers.map { "\($0.0)" }).count == 1)
            #expect(answers.allSatisfy { !$0.1 && $0.0["reply"]?.string == "All done." })
            #expect(deployment.model.requests.count == 2)
            #expect(Set(deployment.effects.map(\.tool)) == ["set", "pay"] && deployment.effects.count == 2)
            #expect(try deployment.query("SELECT count(*), max(turn) FROM log WHERE kind = 'input'") == "1|1")
            #expect(try deployment.query("SELECT count(*) FROM log WHERE outcome IS NOT NULL") == "1")
            #expect(try deployment.query("SELECT count(*) FROM requests") == "1")
            #expect(try deployment.query("PRAGMA integrity_check") == "ok")
        }
    }
}
