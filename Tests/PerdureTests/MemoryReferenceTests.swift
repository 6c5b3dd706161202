// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import SQLiteDriver
import SessionStore
import Testing

@testable import Perdure

/// Commands on a session's memory, without a model.
final class CommandBench {
    let root: TemporaryRoot
    let store: SessionStore

    init() throws {
        root = try TemporaryRoot()
        store = try SessionStore(root: root.path)
    }

    /// Runs commands on a session, each as the model gives it, and looks at the memory after each.
    func run(
        _ commands: some Sequence<JSONValue>, session: String = "s",
        after: (Int, String, borrowing LeasedSession) throws -> Void
    ) throws {
        var leased = try store.lease(SessionID(session), of: AgentName("agent"), attempt: "test", until: .now)
        for (number, arguments) in commands.enumerated() {
            let answer: String
            do {
                let decoded = try JSONValueDecoder().decode(MemoryTool.Arguments.self, from: arguments)
                answer = try leased.perform(MemoryCommand(decoded), recording: { _ in [] }).answer
            } catch let refusal as MemoryRefusal {
                answer = refusal.description
            }
            try after(number, answer, leased)
        }
        try leased.release()
        // The index against the texts; "PRAGMA integrity_check" does that from SQLite 3.44 on.
        store.closeWarmSessions()
        let path = try store.path(of: SessionID(session), agent: AgentName("agent"))
        let connection = try Connection(path: "\(store.root)/\(path)/s.db")
        try connection.setPersistentWAL(true)
        if try !connection.query("SELECT 1 FROM sqlite_schema WHERE name = 'memory'", row: { _ in 1 }).isEmpty {
            try connection.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)")
        }
        try connection.close()
    }

    /// The answers to commands.
    func answers(_ commands: JSONValue...) throws -> [String] {
        var answers: [String] = []
        try run(commands) { _, answer, _ in answers.append(answer) }
        return answers
    }
}

extension LeasedSession {
    /// Every text by its path, as the model knows it.
    func allMemories() throws -> [String: String] {
        var texts: [String: String] = [:]
        for entry in try memories() { texts["/memories/\(entry.path)"] = try memoryText(at: entry.path) }
        return texts
    }
}

/// The same commands as Anthropic's helper in Python was given, and its answers. `make memory-reference` writes them.
@Suite(.timeLimit(.minutes(2))) struct MemoryReferenceTests {
    static let lines: [JSONValue] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/Memory/reference.jsonl")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSONValue(parsing: $0.utf8) }
    }()

    @Test func `every command is answered as by the reference, and leaves the same files`() throws {
        let runs = Self.lines.split { $0["files"] != nil }
        let ends = Self.lines.compactMap { $0["files"]?.object }
        #expect(runs.count == 24 && ends.count == 24)
        for (number, (run, end)) in zip(runs, ends).enumerated() {
            let bench = try CommandBench()
            let expected = run.map { $0.array?.last?.string }
            var last: [String: String] = [:]
            try bench.run(run.compactMap { $0.array?.first }) { line, answer, session in
                let memories = try session.allMemories()
                if let text = expected[line] {
                    #expect(bytes(answer) == bytes(text), "command \(line) of run \(number)")
                } else {
                    // The helper ended with an error of the file system.
                    #expect(answer.hasPrefix("Error: ") && memories == last, "command \(line) of run \(number)")
                }
                last = memories
            }
            #expect(last == Dictionary(uniqueKeysWithValues: end.map { ($0.key, $0.value.string ?? "") }))
        }
    }
}
