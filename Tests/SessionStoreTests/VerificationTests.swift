// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)), .enabled(if: ProcessState.isReadable))
struct VerificationTests {
    let root: TemporaryRoot
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot(warmSessions: 0)
        agent = try AgentName("agent")
    }

    func verify(_ session: String = "s") throws -> SessionReport {
        try root.store.verify(SessionID(session), of: agent)
    }

    /// Every file below the root, with its bytes and the time of its last change.
    func snapshot() throws -> [String: String] {
        var found: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root.path)/\(path)")
            let bytes = FileManager.default.contents(atPath: "\(root.path)/\(path)") ?? Data()
            let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSinceReferenceDate ?? 0
            found[path] = "\(changed) \(bytes.base64EncodedString())"
        }
        return found
    }

    // MARK: - What is whole

    /// Everything that a log can hold.
    func fillEverything() throws {
        let call = ToolCall(id: "a", name: "t", arguments: "{}")
        let reply = ModelReply(text: "", toolCalls: [call])
        let (first, second, third) = (
            CallPosition(reply: 2, index: 0), CallPosition(reply: 4, index: 0), CallPosition(reply: 6, index: 0)
        )
        var leased = try root.lease()
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.checkpoint("one")
        try leased.append([
            Entry(turn: 2, fact: .input(request: "r2", text: "2")),
            Entry(turn: 2, fact: .reply(reply)),
            Entry(turn: 2, fact: .claim(first, tool: "t", effect: .idempotent, attempt: 1)),
        ])
        try leased.append([Entry(turn: 2, fact: .claim(first, tool: "t", effect: .idempotent, attempt: 2))])
        try leased.append(
            [
                Entry(turn: 2, fact: .result(first, ToolResult(status: .succeeded, content: "done"))),
                Entry(turn: 2, fact: .reply(ModelReply(text: "reply 2"))),
            ], outcome: .completed(reply: "reply 2"))
        let approval = Approval(position: second, call: call, reason: "why")
        try leased.append(
            [
                Entry(turn: 3, fact: .input(request: "r3", text: "3")),
                Entry(turn: 3, fact: .reply(reply)),
                Entry(turn: 3, fact: .approvalRequest(second, reason: "why")),
            ], outcome: .awaiting([approval]))
        try leased.append(
            [
                Entry(turn: 4, fact: .decision(request: "r4", Verdict(position: second, isApproved: true))),
                Entry(turn: 4, fact: .claim(second, tool: "t", effect: .once, attempt: 1)),
                Entry(turn: 4, fact: .result(second, ToolResult(status: .unknown, content: "interrupted"))),
                Entry(turn: 4, fact: .refusal(reason: "too long")),
            ], outcome: .failed(reason: "too long"))
        try leased.append([
            Entry(turn: 5, fact: .input(request: "r5", text: "5")),
            Entry(turn: 5, fact: .reply(ModelReply(text: "", toolCalls: [call]))),
        ])
        _ = third
        try leased.rewind(toTurn: 2)
        try leased.append(turn(7), outcome: .completed(reply: "reply 7"))
        try leased.append([turn(8)[0]])
        try leased.release()
    }

    @Test func `everything that a session can hold is sound, and so are its forks and copies`() throws {
        try fillEverything()
        let original = try SessionID("s")
        try root.store.fork(original, of: agent, atTurn: 7, as: SessionID("fork"), until: .now)
        try root.store.fork(original, of: agent, atTurn: 2, as: SessionID("early"), until: .now)
        let leased = try root.lease()
        let archive = try leased.archive()
        try leased.release()
        try root.store.create(SessionID("copy"), of: agent, from: archive, until: .now)
        try root.lease("empty").release()
        for session in ["s", "fork", "early", "copy", "empty"] {
            let report = try verify(session)
            #expect(report.isSound, "\(report)")
            #expect(report.names == SessionNames(agent: "agent", session: session))
            #expect(report.bytes > 0)
        }
        #expect(try verify().turns == 8)
        #expect(try verify().entries == archive.entries.count)
        #expect(try root.store.folders().count == 5)
        #expect(try root.store.agents(having: original) == [agent])
    }

    @Test func `verifying changes nothing, and holds nothing afterwards`() throws {
        try fillEverything()
        // One whose commits are in its log, one without a log, one that a creation left, and a damaged one.
        for session in ["a", "b", "c"] { try root.fill(session) }
        _ = try sqlite3(root.database("b"), "SELECT 1 FROM log")
        #expect(try !FileManager.default.fileExists(atPath: root.database("b") + "-wal"))
        try write(Data(), to: root.makeFolder("d") + "/s.db")
        _ = try sqlite3(root.database("c"), "SELECT 1 FROM log")
        try overwrite(root.database("c"), at: 4096, with: Data(repeating: 0xA5, count: 4096))
        let before = try snapshot()
        let reports = try root.store.folders().map { try root.store.verify(folder: $0) }
        #expect(try snapshot() == before)
        #expect(reports.count(where: \.isSound) == 2)
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        #expect(try ProcessState.isFree(session: root.folder()))
        var leased = try root.lease("a")
        try leased.append(turn(2))
        try leased.release()
        #expect(try verify("a").isSound)
    }

    @Test func `a leased session is busy, here and elsewhere`() throws {
        try root.fill("here")
        try root.fill("there")
        let leased = try root.lease("here")
        let child = try Child.writer("hold", root.path, "there")
        #expect(try child.line() == "leased")
        for session in ["here", "there"] {
            let report = try verify(session)
            #expect(report.isBusy && !report.isSound && report.findings.isEmpty)
        }
        #expect(try !ProcessState.isFree(root.database("here"), ProcessState.databaseBytes))
        try leased.release()
        try child.endInput()
        #expect(child.wait() == 0)
        #expect(try verify("here").isSound && verify("there").isSound)
    }

    @Test(arguments: ["../outside", "agent/../x", "agent//x", "agent/ab", "", "/", ".quarantine/a/b", "a b/ab/x"])
    func `a path that is none of a session is refused`(path: String) throws {
        let error = #expect(throws: SessionStoreError.self) { try root.store.verify(folder: path) }
        #expect(error?.code == .invalidName)
    }

    @Test func `a session that does not exist is an error, and is not created`() throws {
        let error = #expect(throws: SessionStoreError.self) { try verify("nobody") }
        #expect(error?.code == .noSuchSession)
        #expect(try root.store.folders().isEmpty)
        #expect(try !FileManager.default.fileExists(atPath: root.folder("nobody")))
    }

    // MARK: - What is broken

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let kinds: [SessionFinding.Kind]
        /// Breaks the session in this folder; it has one turn, all of it in the database, and an empty log.
        let damage: @Sendable (_ folder: String, _ root: TemporaryRoot) throws -> Void
        var testDescription: String { name }
    }

    static func sql(_ name: String, _ kinds: [SessionFinding.Kind], _ statements: String) -> Case {
        Case(name: name, kinds: kinds) { folder, _ in
            #expect(try sqlite3(folder + "/s.db", statements) == "")
            try write(Data(), to: folder + "/s.db-wal")
        }
    }

    @Test(arguments: files + rows)
    func `what is broken is found, and the files are left alone`(_ item: Case) throws {
        try root.fill()
        let folder = try root.folder()
        _ = try sqlite3(folder + "/s.db", "SELECT 1 FROM log")
        try write(Data(), to: folder + "/s.db-wal")
        #expect(try verify().isSound)
        try item.damage(folder, root)
        let before = try snapshot()
        let report = try verify()
        #expect(Set(report.findings.map(\.kind)) == Set(item.kinds), "\(report.findings)")
        #expect(report.isDamaged == item.kinds.contains(where: \.isDamage))
        #expect(try snapshot() == before)
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
    }

    static let files = [
        Case(name: "a page of noise", kinds: [.malformed]) { folder, _ in
            let page = try sqlite3(folder + "/s.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'meta'")
            try write(Data(), to: folder + "/s.db-wal")
            try overwrite(
                folder + "/s.db", at: try #require(UInt64(page)) * 4096 - 4096,
                with: Data(repeating: 0xA5, count: 4096))
        },
        Case(name: "bytes that are flipped in an index", kinds: [.malformed]) { folder, _ in
            let page = try sqlite3(folder + "/s.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'requests'")
            try write(Data(), to: folder + "/s.db-wal")
            try overwrite(
                folder + "/s.db", at: try #require(UInt64(page)) * 4096 - 4096 + 3, with: Data([0xFF, 0xFF]))
        },
        Case(name: "a database that is cut to its first page", kinds: [.malformed]) { folder, _ in
            #expect(truncate(folder + "/s.db", 4096) == 0)
        },
        Case(name: "an empty database", kinds: [.unwritten]) { folder, _ in
            #expect(truncate(folder + "/s.db", 0) == 0)
        },
        Case(name: "an empty database beside a log", kinds: [.lostDatabase]) { folder, _ in
            #expect(truncate(folder + "/s.db", 0) == 0)
            try write(Data([0x37, 0x7F, 0x06, 0x82] + Data(count: 100)), to: folder + "/s.db-wal")
        },
        Case(name: "a missing database beside an empty log", kinds: [.unwritten]) { folder, _ in
            try FileManager.default.removeItem(atPath: folder + "/s.db")
        },
        Case(name: "a missing database", kinds: [.lostDatabase]) { folder, _ in
            try write(Data([0x37, 0x7F, 0x06, 0x82] + Data(count: 100)), to: folder + "/s.db-wal")
            try FileManager.default.removeItem(atPath: folder + "/s.db")
        },
        Case(name: "a missing log", kinds: [.missingLog]) { folder, _ in
            try FileManager.default.removeItem(atPath: folder + "/s.db-wal")
        },
        Case(name: "another program's database", kinds: [.foreignFile]) { folder, _ in
            try FileManager.default.removeItem(atPath: folder + "/s.db")
            _ = try sqlite3(folder + "/s.db", "CREATE TABLE t (v); INSERT INTO t VALUES (1)")
            try write(Data(), to: folder + "/s.db-wal")
        },
        Case(name: "a text", kinds: [.foreignFile]) { folder, _ in
            try write(Data("no database\n".utf8), to: folder + "/s.db")
        },
        Case(name: "a link", kinds: [.foreignFile]) { folder, root in
            try FileManager.default.moveItem(atPath: folder + "/s.db", toPath: root.path + "/elsewhere.db")
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/s.db", withDestinationPath: root.path + "/elsewhere.db")
        },
        Case(name: "the file of another session", kinds: [.wrongPlace]) { folder, root in
            try root.fill("other")
            try FileManager.default.removeItem(atPath: folder)
            try FileManager.default.moveItem(atPath: root.folder("other"), toPath: folder)
        },
        sql("a newer schema", [.newerSchema], "PRAGMA user_version = 99"),
        Case(name: "a journal that another program left", kinds: [.pendingJournal]) { folder, _ in
            try write(Data([0xD9, 0xD5]), to: folder + "/s.db-journal")
        },
    ]

    static let rows = [
        sql("no meta row", [.malformed], "DELETE FROM meta"),
        sql("no meta table", [.malformed], "DROP TABLE meta"),
        sql("a column that is missing", [.malformed], "ALTER TABLE calls DROP COLUMN tool"),
        sql("a table that is missing", [.malformed], "DROP TABLE calls"),
        sql("a table of attachments that is missing", [.malformed], "DROP TABLE attachment_parts"),
        sql(
            "an attachment without its bytes", [.attachments],
            "INSERT INTO attachments VALUES (1, 'a', 1, 3, 1, 1); INSERT INTO attachment_parts VALUES (1, 0, x'0102')"),
        sql(
            "an attachment with a gap", [.attachments],
            "INSERT INTO attachments VALUES (1, 'a', 1, 2, 1, 1);"
                + "INSERT INTO attachment_parts VALUES (1, 0, x'01'), (1, 5, x'02')"),
        sql(
            "a memory without its index", [.malformed], "CREATE TABLE memory (path, text, version, uses, used, updated)"
        ),
        sql("a body that is no JSON", [.unreadableEntry], "UPDATE log SET body = '{' WHERE seq = 2"),
        sql("an outcome that is none", [.unreadableEntry], "UPDATE log SET outcome = '{}' WHERE seq = 2"),
        sql("a kind that is none", [.unreadableEntry], "UPDATE log SET kind = 'later' WHERE seq = 2"),
        sql("a first entry that is gone", [.brokenOrder], "DELETE FROM log WHERE seq = 1"),
        sql("a gap", [.brokenOrder], "UPDATE log SET seq = 5 WHERE seq = 2"),
        sql("a turn that is left out", [.brokenOrder], "UPDATE log SET turn = 3 WHERE seq = 2"),
        sql(
            "a reply to nothing", [.brokenOrder],
            "INSERT INTO log SELECT 3, turn, kind, call, body, at, outcome FROM log WHERE seq = 2"),
        sql("a request that is gone", [.requests], "DELETE FROM requests"),
        sql("a request of another entry", [.requests], "UPDATE requests SET seq = 2"),
        sql("a request of another turn", [.requests], "UPDATE requests SET turn = 2"),
        sql("a request of nothing", [.requests], "INSERT INTO requests VALUES ('x', 1, 9)"),
        sql("a call of nothing", [.calls], "INSERT INTO calls VALUES ('1.0', 't', 'once', 'claimed', 1, 1)"),
    ]

    @Test(arguments: [
        ("DELETE FROM calls WHERE id = '2.0'", "2.0 was claimed, and is not"),
        (
            "UPDATE calls SET state = 'claimed' WHERE id = '2.0'",
            "2.0 is noted as claimed, attempt 2; the log says settled"
        ),
        ("UPDATE calls SET tool = 'x' WHERE id = '4.0'", "of another tool"),
        ("UPDATE calls SET attempt = 1 WHERE id = '2.0'", "attempt 1; the log says settled, attempt 2"),
    ])
    func `calls that do not agree with the log are found`(_ sql: String, _ sentence: String) throws {
        try fillEverything()
        #expect(try sqlite3(root.database(), sql) == "")
        try write(Data(), to: root.database() + "-wal")
        let report = try verify()
        #expect(report.findings.map(\.kind) == [.calls])
        #expect(report.findings.first?.detail.contains(sentence) == true, "\(report.findings)")
    }

    @Test func `whole attachments and a memory are sound, and a file with a memory alone is salvaged`() throws {
        var leased = try root.lease()
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        for size in [0, 1, 1_300_000] { try leased.attach("\(size)", [[UInt8](repeating: 7, count: size)]) }
        try leased.change(.write(MemoryPath("a"), text: "one"))
        try leased.release()
        #expect(try verify().isSound)
        let shared = SessionID.sharedMemory
        leased = try root.store.lease(shared, of: agent, attempt: "a", until: .now)
        try leased.change(.write(MemoryPath("b"), text: "two"))
        try leased.release()
        let folder = root.store.path(of: shared, agent: agent)
        _ = try sqlite3("\(root.path)/\(folder)/s.db", "DROP TABLE calls")
        try write(Data(), to: "\(root.path)/\(folder)/s.db-wal")
        #expect(try root.store.verify(folder: folder).isDamaged)
        let archive = try root.store.salvage(folder: folder)
        #expect(archive.entries.isEmpty)
        _ = try root.store.quarantine(folder: folder)
        try root.store.create(shared, of: agent, from: archive, until: .now)
        let again = try root.store.leaseExisting(shared, of: agent, until: .now)
        #expect(try again.memoryText(at: MemoryPath("b")) == "two")
        try again.release()
        #expect(try root.store.verify(shared, of: agent).isSound)
    }

    @Test func `no more findings are reported than help`() throws {
        try root.fill()
        _ = try sqlite3(
            root.database(),
            """
            WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO log SELECT i, 1, 'later', NULL, '{}', 1, NULL FROM n
            """)
        let report = try verify()
        #expect(report.findings.count == SessionReport.maximumFindings)
        #expect(report.entries == 1000)
    }
}

func write(_ data: Data, to path: String) throws { try data.write(to: URL(fileURLWithPath: path)) }

func overwrite(_ path: String, at offset: UInt64, with bytes: Data) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: offset)
    try file.write(contentsOf: bytes)
    try file.close()
}
