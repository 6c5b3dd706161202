// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import Testing

@Suite(.serialized) struct DocumentAgentTests {
    static let document = Example.folder.appendingPathComponent("DocumentAgent/document.txt").path
    static let environment = ["DOCUMENT": document, "PAGE_MILLISECONDS": "40"]
    static let index = ".files/document/register/pages.db"
    let read: JSONValue = ["session": "register", "id": "1", "input": ["read": true]]

    @Test(.timeLimit(.minutes(5)))
    func `a document of 100 pages is read to its end although the process is killed at every page`() async throws {
        try await Example.run("DocumentAgent", environment: Self.environment) { example in
            var kills = 0
            for page in 1...100 {
                let line = "reading page \(page) of 100"
                // Where a signal came late, the page was begun before it.
                guard example.lines.count(of: line) == 0 else { continue }
                async let answer = example.invoke(read)
                try await eventually { example.lines.count(of: line) > 0 }
                await example.killSandboxes()
                let isError = try await answer.isError
                // The last page may have been done with before the signal came.
                #expect(isError || example.lines.count(of: "reading page 100 of 100") > 0)
                kills += 1
            }
            #expect(kills > 50)
            let whole = try await example.invoke(read)
            #expect(!whole.isError)
            #expect(whole.answer["reply"]?.string == #"{"pages":100,"words":12958}"#)
            for page in 1...100 {
                // The second time after the kill; once where the signal came too late, in the middle of the next one.
                let count = example.lines.count(of: "reading page \(page) of 100")
                #expect((1...3).contains(count), "page \(page) was read \(count) times")
            }
            // Not each: some signals come between two pages.
            #expect(example.lines.count(of: "reading page") >= 100 + kills / 2)
            let steps = "SELECT count(*) FROM log WHERE kind = 'step'"
            #expect(try example.query(example.session(), steps) == "101")
            #expect(try example.query(Self.index, "SELECT count(*) FROM pages") == "100")
            try await answersQuestions(example)
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a document without pages is read, and one that became shorter is told`()
        async throws
    {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("perdure-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data().write(to: URL(filePath: path))
        try await Example.run("DocumentAgent", environment: ["DOCUMENT": path, "PAGE_MILLISECONDS": "500"]) { example in
            let empty = try await example.invoke(["session": "a", "id": "1", "input": ["read": true]])
            #expect(empty.answer["reply"]?.string == #"{"pages":0,"words":0}"#)
            try Data("one page\u{0C}another\u{0C}".utf8).write(to: URL(filePath: path))
            async let answer = example.invoke(["session": "a", "id": "2", "input": ["read": true]])
            try await eventually { example.lines.count(of: "reading page 1 of 2") > 0 }
            await example.killSandboxes()
            _ = try await answer
            try Data("one page\u{0C}".utf8).write(to: URL(filePath: path))
            let shorter = try await example.invoke(["session": "a", "id": "2", "input": ["read": true]])
            #expect(shorter.answer["reason"]?.string == "the document has no page 2 any more")
        }
    }

    /// What the README shows.
    private func answersQuestions(_ example: Example) async throws {
        let question: JSONValue = [
            "session": "register", "id": "2", "input": ["ask": "Where did the starlings nest at Raven Stack?"],
        ]
        let reply = try #require(try await example.invoke(question).answer["reply"]?.string)
        let text = try String(contentsOfFile: Self.document, encoding: .utf8)
        let pages = text.components(separatedBy: "\u{0C}")
        let page = try #require(pages.firstIndex { $0.contains("The light at Raven Stack") }) + 1
        #expect(try JSONValue(parsing: reply.utf8)["found"]?[0]?["page"]?.int == page)
    }
}
