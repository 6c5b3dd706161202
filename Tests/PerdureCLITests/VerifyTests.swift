// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(1))) struct VerifyTests {
    let sessions: StoredSessions

    init() throws { sessions = try StoredSessions() }

    @Test func `a sound root is left as it is`() async throws {
        for number in 0..<20 { try sessions.fill("session \(number)") }
        let before = try sessions.snapshot()
        let result = try await sessions.run("verify", sessions.root, "--jobs", "7")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("20 sessions, 80 entries, "))
        #expect(result.output.hasSuffix(" bytes: 20 sound, 0 with findings, 0 skipped\n"))
        #expect(result.errors.isEmpty)
        #expect(try sessions.snapshot() == before)
        #expect(
            try await sessions.run("verify", sessions.root, "--session", "session 3").output.hasPrefix("1 sessions"))
        #expect(try await sessions.run("verify", sessions.root, "--agent", "other").output == "no sessions\n")
        #expect(try await sessions.run("verify", sessions.root, "--session", "nobody").status == 1)
        #expect(try await sessions.run("verify", sessions.root, "--jobs", "0").status == 64)
        #expect(try await sessions.run("verify", sessions.root + "/nowhere").status == 64)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let kind: String
        let isDamage: Bool
        /// Breaks "broken", all of which is in its database, beside which there is an empty log.
        let damage: @Sendable (_ database: String, _ sessions: StoredSessions) async throws -> Void
        var testDescription: String { kind }
    }

    @Test(arguments: [
        Case(kind: "malformed", isDamage: true) { database, _ in
            let file = try FileHandle(forUpdating: URL(filePath: database))
            try file.seek(toOffset: 2 * 4096)
            try file.write(contentsOf: Data([0x55]))
            try file.close()
        },
        Case(kind: "malformed", isDamage: true) { database, _ in #expect(truncate(database, 3 * 4096) == 0) },
        Case(kind: "foreignFile", isDamage: true) { database, _ in
            try Data("a text".utf8).write(to: URL(filePath: database))
        },
        Case(kind: "missingLog", isDamage: false) { database, _ in
            try FileManager.default.removeItem(atPath: database + "-wal")
        },
        Case(kind: "newerSchema", isDamage: false) { database, sessions in
            _ = try await sessions.sqlite3(database, "PRAGMA user_version = 99")
            try Data().write(to: URL(filePath: database + "-wal"))
        },
        Case(kind: "wrongPlace", isDamage: true) { database, sessions in
            let folder = (database as NSString).deletingLastPathComponent
            try sessions.fill("other")
            try FileManager.default.removeItem(atPath: folder)
            try FileManager.default.moveItem(
                atPath: sessions.root + "/" + sessions.folder("other"), toPath: folder)
        },
    ])
    func `what is broken is told, with a status`(_ item: Case) async throws {
        try sessions.fill("broken")
        try sessions.fill("sound")
        let database = try sessions.database("broken")
        _ = try await sessions.sqlite3(database, "SELECT 1 FROM log")
        try Data().write(to: URL(filePath: database + "-wal"))
        try await item.damage(database, sessions)
        let before = try sessions.snapshot()

        let text = try await sessions.run("verify", sessions.root)
        #expect(text.status == 1)
        let folder = try sessions.folder("broken")
        #expect(text.output.contains("\(folder)  \(item.kind)"), "\(text.output)")
        #expect(text.output.hasSuffix("1 sound, 1 with findings, 0 skipped\n"))

        let result = try await sessions.run("verify", sessions.root, "--json")
        #expect(result.status == 1)
        let json = try JSONValue(parsing: result.output.utf8)
        #expect(json["findings"]?.int == 1 && json["sound"]?.int == 1)
        let broken = try #require(json["sessions"]?.array?.first { $0["folder"]?.string == folder })
        #expect(broken["status"]?.string == (item.isDamage ? "damaged" : "findings"))
        #expect(broken["findings"]?.array?.contains { $0["kind"]?.string == item.kind } == true)
        #expect(try sessions.snapshot() == before)
    }

    @Test func `a leased session is skipped`() async throws {
        try sessions.fill("held")
        let lease = try sessions.store.lease(SessionID("held"), of: AgentName("support"), attempt: "", until: .now)
        let result = try await sessions.run("verify", sessions.root)
        try lease.release()
        #expect(result.status == 0)
        #expect(result.output.contains("busy     skipped: somebody holds the session"))
        #expect(result.output.hasSuffix("0 sound, 0 with findings, 1 skipped\n"))
    }

    @Test func `verify moves what is damaged aside if asked, and nothing else`() async throws {
        for name in ["damaged", "no log", "sound"] { try sessions.fill(name) }
        _ = try await sessions.sqlite3(sessions.database("damaged"), "UPDATE log SET body = '{' WHERE seq = 3")
        _ = try await sessions.sqlite3(sessions.database("no log"), "SELECT 1 FROM log")
        let result = try await sessions.run("verify", sessions.root, "--quarantine", "--json")
        #expect(result.status == 1)
        let json = try JSONValue(parsing: result.output.utf8)
        let moved = json["sessions"]?.array?.compactMap { $0["quarantined"]?.string } ?? []
        #expect(moved == [".quarantine/support/damaged-1/session"])
        #expect(FileManager.default.fileExists(atPath: "\(sessions.root)/.quarantine/support/damaged-1/report.json"))
        #expect(try sessions.store.folders().count == 2)
        // What can be read of it goes on, under the same names.
        let lines = try await sessions.run("export", "--salvage", moved[0], "--root", sessions.root)
        #expect(lines.status == 0, "\(lines.errors)")
        let made = try await sessions.run("import", "-", "--root", sessions.root, input: lines.output)
        #expect(made.output == "support/damaged has 2 entries\n", "\(made.errors)")
        #expect(try sessions.texts("damaged") == ["question 1", "answer 1"])
    }

    @Test func `a damaged session names the command, and quarantine moves it`() async throws {
        try sessions.fill("ada")
        let sound = try await sessions.run("quarantine", "ada", "--root", sessions.root)
        #expect(sound.status == 1)
        #expect(sound.errors.contains("nothing is wrong with the session"))
        _ = try await sessions.sqlite3(sessions.database("ada"), "DROP TABLE meta")
        let opened = try await sessions.run("show", "ada", "--root", sessions.root)
        #expect(opened.status == 1)
        #expect(opened.errors.contains("perdure verify"))
        let moved = try await sessions.run("quarantine", "ada", "--root", sessions.root)
        #expect(moved.status == 0)
        #expect(moved.output.contains(" was moved to .quarantine/support/ada-1/session; report.json"))
        #expect(
            try await sessions.run("show", "ada", "--root", sessions.root).errors.contains("there is no session ada"))
    }

    @Test func `names of folders cannot draw on a terminal`() async throws {
        let folder = sessions.root + "/support/ab/a\u{1B}[2J\nb"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("a text".utf8).write(to: URL(filePath: folder + "/s.db"))
        let result = try await sessions.run("verify", sessions.root)
        #expect(result.output.contains("support/ab/a\\u{1B}[2J\\nb  foreignFile"))
        #expect(!result.output.contains("\u{1B}"))
    }
}
