// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ArchiveCommandTests {
    let sessions: StoredSessions

    init() throws {
        sessions = try StoredSessions()
        try sessions.fill("ada")
    }

    @Test func `what is exported is imported, by a pipe and by a file`() async throws {
        let other = try StoredSessions()
        let lines = try await sessions.run("export", "ada", "--root", sessions.root)
        #expect(lines.status == 0)
        #expect(lines.output.split(separator: "\n").count == 1 + 4 + 2)
        let made = try await other.run("import", "-", "--root", other.root, input: lines.output)
        #expect(made.output == "support/ada has 4 entries\n", "\(made.errors)")
        #expect(try await other.run("export", "ada", "--root", other.root).output == lines.output)
        #expect(try await other.run("verify", other.root).status == 0)

        let file = other.root + "/ada.jsonl"
        let saved = try await sessions.run("export", "ada", "--root", sessions.root, "--output", file)
        #expect(saved.status == 0 && saved.output.isEmpty)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == lines.output)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let again = try await sessions.run("export", "ada", "--root", sessions.root, "--output", file)
        #expect(again.status == 1 && again.errors.contains("File exists"))
        let copy = try await other.run(
            "import", file, "--root", other.root, "--as", "bob", "--agent", "billing", "--json")
        #expect(try JSONValue(parsing: copy.output.utf8)["entries"]?.int == 4)
        #expect(try other.texts("bob", of: "billing") == sessions.texts("ada"))
    }

    @Test func `a session that exists is not imported over`() async throws {
        let lines = try await sessions.run("export", "ada", "--root", sessions.root).output
        let before = try sessions.snapshot()
        let result = try await sessions.run("import", "-", "--root", sessions.root, input: lines)
        #expect(result.status == 1)
        #expect(result.errors.contains("there is a session of that id already"))
        #expect(try sessions.snapshot() == before)
    }

    @Test(arguments: [
        ("{", "line 1"), ("[]\n", "line 1"), ("", "line 1"),
        (#"{"perdure":"session","version":9,"agent":"a","session":"s","identity":"i","created":1}"#, "version 9"),
        (#"{"perdure":"session","version":1,"agent":"../a","session":"s","identity":"i","created":1}"#, "agent's name"),
    ])
    func `what is no archive is refused`(text: String, reason: String) async throws {
        let result = try await sessions.run("import", "-", "--root", sessions.root, input: text)
        #expect(result.status == 1)
        #expect(result.errors.contains(reason), "\(result.errors)")
        #expect(try sessions.store.folders().count == 1)
    }

    @Test func `a pipe that is closed ends an export quietly`() async throws {
        try sessions.fill("long", turns: 2_000)
        let process = Process()
        let errors = Pipe()
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", "\"$0\" export long --root \"$1\" | head -n 1", folder.appendingPathComponent("perdure").path,
            sessions.root,
        ]
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let said = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(said.isEmpty, "\(String(decoding: said, as: UTF8.self))")
    }

    @Test func `a conversation is named, forked and taken back`() async throws {
        let root = sessions.root
        let named = try await sessions.run("checkpoint", "ada", "good", "--root", root)
        #expect(named.output == "turn 2 of support/ada is named good\n", "\(named.errors)")
        #expect(try await sessions.run("show", "ada", "--root", root).output.hasSuffix("\ncheckpoint good: turn 2\n"))
        let json = try await sessions.run("show", "ada", "--root", root, "--json").output
        #expect(try JSONValue(parsing: json.utf8)["checkpoints"] == [["label": "good", "turn": 2]])

        let early = try await sessions.run("fork", "ada", "early", "--at-turn", "1", "--root", root)
        #expect(early.output == "support/early goes on from the end of turn 1 of support/ada\n", "\(early.errors)")
        #expect(try sessions.texts("early") == ["question 1", "answer 1"])
        _ = try await sessions.run("fork", "ada", "same", "--checkpoint", "good", "--root", root)
        _ = try await sessions.run("fork", "ada", "newest", "--root", root)
        #expect(try sessions.texts("same") == sessions.texts("ada"))
        #expect(try sessions.texts("newest") == sessions.texts("ada"))
        let taken = try await sessions.run("fork", "ada", "same", "--root", root)
        #expect(taken.status == 1 && taken.errors.contains("already"))

        let back = try await sessions.run("rewind", "ada", "--to-turn", "1", "--root", root, "--json")
        #expect(try JSONValue(parsing: back.output.utf8) == ["agent": "support", "session": "ada", "turn": 1])
        #expect(try sessions.texts("ada") == ["question 1", "answer 1"])
        let gone = try await sessions.run("rewind", "ada", "--checkpoint", "good", "--root", root)
        #expect(gone.status == 1 && gone.errors.contains("no checkpoint has that label"))
        #expect(try await sessions.run("rewind", "ada", "--root", root).status == 64)
        #expect(try await sessions.run("rewind", "same", "--checkpoint", "good", "--root", root).status == 0)
        #expect(try await sessions.run("verify", root).status == 0)
    }

    @Test func `names of checkpoints cannot draw on a terminal`() async throws {
        let label = "a\u{202E}b"
        _ = try await sessions.run("checkpoint", "ada", label, "--root", sessions.root)
        let shown = try await sessions.run("show", "ada", "--root", sessions.root)
        #expect(shown.output.contains("checkpoint a\\u{202E}b: turn 2"))
        let error = try await sessions.run("rewind", "ada", "--checkpoint", "x", "--root", sessions.root)
        #expect(error.errors.contains("a\\u{202E}b") && !error.errors.contains("\u{202E}"))
    }
}
