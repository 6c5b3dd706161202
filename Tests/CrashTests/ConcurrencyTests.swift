// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

@Suite(.serialized) struct ConcurrencyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let processes: Int
        /// Invocations at once in each.
        let loops: Int
        var testDescription: String { "\(processes) processes, \(loops) loops each" }
    }

    @Test(.timeLimit(.minutes(5)), arguments: [Case(processes: 2, loops: 1), Case(processes: 1, loops: 2)])
    func `two writers with 50 turns each leave 100 turns, none lost, doubled or interleaved`(_ test: Case) async throws
    {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
            .text("Answer to \(request["messages"]?.array?.last?["content"]?.string ?? "")")
        }
        try await Deployment.run(concurrency: test.processes, perSandbox: test.loops, answer: answer) { deployment in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in ["left", "right"] {
                    group.addTask {
                        for number in 1...50 {
                            let message = "\(writer) \(number)"
                            let event: JSONValue = [
                                "session": "shared", "message": .init(message), "id": .init(message),
                            ]
                            let (answer, isError) = try await deployment.invoke(event)
                            #expect(!isError, "\(answer)")
                            #expect(answer["reply"]?.string == "Answer to \(message)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await deployment.emulator.sandboxProcessIDs.count == test.processes)
            #expect(try deployment.query("SELECT count(*), count(DISTINCT turn), max(turn) FROM log") == "200|100|100")
            // Each turn is an input followed by the answer to that input.
            let torn = """
                SELECT count(*) FROM log AS said JOIN log AS answered ON answered.seq = said.seq + 1
                WHERE said.kind = 'input' AND answered.kind = 'reply' AND answered.turn = said.turn
                AND answered.body ->> 'text' = 'Answer to ' || (said.body ->> 'text')
                """
            #expect(try deployment.query(torn) == "100")
            let inputs = "SELECT count(DISTINCT body ->> 'text') FROM log WHERE kind = 'input'"
            #expect(try deployment.query(inputs) == "100")
            #expect(try deployment.query("SELECT count(*) FROM log WHERE outcome IS NOT NULL") == "100")
            #expect(try deployment.query("PRAGMA integrity_check") == "ok")
        }
    }
}
