// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import Testing

@Suite(.serialized) struct ResearchAgentTests {
    static let sources = Example.folder.appendingPathComponent("ResearchAgent/sources").path
    let start: JSONValue = ["session": "tides", "id": "1", "input": ["topic": "tides"]]

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `three invocations fetch, analyse and report, in one sandbox or in three`(killing: Bool) async throws {
        try await Example.run("ResearchAgent", environment: ["SOURCES": Self.sources]) { example in
            let fetched = try await example.invoke(start).answer
            #expect(fetched["status"]?.string == "suspended")
            let folder = example.root.appendingPathComponent(".files/research/tides")
            let copies = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            #expect(copies == ["harbours.txt", "mills.txt", "moon.txt"])
            if killing { await example.killSandboxes() }

            // The local Lambda wakes it.
            try await eventually { example.lines.count(of: "turn suspended") >= 2 }
            let analysed = try await invoke(start, example)
            #expect(analysed["status"]?.string == "suspended")
            #expect(analysed["until"]?.isNull == true)
            #expect(try example.query(".files/research/tides/notes.db", "SELECT count(*) FROM notes") == "4")
            if killing { await example.killSandboxes() }

            let other: JSONValue = ["session": "tides", "id": "2", "input": ["topic": "mills"]]
            let refused = try await example.invoke(other)
            if !killing { #expect(refused.answer["errorType"]?.string == "Function.WorkflowRunning") }
            let consent: JSONValue = [
                "session": "tides", "id": "3", "signal": ["name": "consent", "value": ["by": "Ada"]],
            ]
            let reported = try await invoke(consent, example)
            #expect(reported["reply"]?.string == Self.report)
            #expect(try String(contentsOf: folder.appendingPathComponent("report.md"), encoding: .utf8) == Self.report)
            // Each once: the list, three sources, the wait, the analysis, the consent and the report.
            let steps = "SELECT count(*) FROM log WHERE kind = 'step'"
            #expect(try example.query(example.session(), steps) == "8")
        }
    }

    /// The emulator may find out that a sandbox is dead when it sends an invocation there.
    private func invoke(_ event: JSONValue, _ example: Example) async throws -> JSONValue {
        let first = try await example.invoke(event)
        return first.isError ? try await example.invoke(event).answer : first.answer
    }

    static let report = """
        # tides: 4 notes, agreed by Ada
        - A harbour lives by its tides. (harbours.txt, sentence 1)
        - A tide mill worked twice a day, at hours that moved by fifty minutes each day, so millers slept when the tides \
        let them. (mills.txt, sentence 4)
        - The moon raises the tides, and the sun helps or hinders it. (moon.txt, sentence 1)
        - When both pull in one line, at new moon and at full moon, the tides are largest: sailors call them springs. \
        (moon.txt, sentence 2)
        """
}
