// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)), .enabled(if: ProcessState.isReadable))
struct QuarantineTests {
    let root: TemporaryRoot
    let session: SessionID
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot(warmSessions: 0)
        session = try SessionID("s")
        agent = try AgentName("agent")
    }

    func fillThreeTurns() throws {
        var leased = try root.lease()
        for number in 1...3 { try leased.append(turn(number), outcome: .completed(reply: "reply \(number)")) }
        try leased.release()
    }

    func damage() throws {
        #expect(try sqlite3(root.database(), "UPDATE log SET body = '{' WHERE seq = 5") == "")
    }

    func codeOfQuarantine() -> SessionStoreError.Code? {
        do {
            _ = try root.store.quarantine(session, of: agent)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a damaged session is moved aside with a report, and a new one begins`() throws {
        try fillThreeTurns()
        try damage()
        let bytes = FileManager.default.contents(atPath: try root.database())
        let moved = try root.store.quarantine(session, of: agent)
        #expect(moved.folder == ".quarantine/agent/s-1/session")
        #expect(moved.report.findings.map(\.kind) == [.missingLog, .unreadableEntry])
        #expect(FileManager.default.contents(atPath: "\(root.path)/\(moved.folder)/s.db") == bytes)
        #expect(try root.store.folders().isEmpty)
        #expect(try root.store.sessions().readable.isEmpty)
        #expect(try root.store.agents(having: session).isEmpty)

        let text = try #require(FileManager.default.contents(atPath: "\(root.path)/.quarantine/agent/s-1/report.json"))
        let json = try JSONValue(parsing: Array(text))
        #expect(json["from"]?.string == root.store.path(of: session, agent: agent))
        #expect(json["to"]?.string == moved.folder)
        #expect(json["session"]?.string == "s")
        #expect(json["time"]?.string == "2023-11-14T22:13:20Z")
        #expect(json["findings"]?.array?.map { $0["kind"]?.string } == ["missingLog", "unreadableEntry"])
        #expect(json["next"]?.array?.count == 4)
        #expect(!String(decoding: text, as: UTF8.self).contains("reply 1"))

        var leased = try root.lease()
        #expect(try leased.entries().isEmpty)
        try leased.append(turn(1))
        try leased.release()
        #expect(try root.store.verify(session, of: agent).isSound)
        // What lies aside can be looked at again.
        #expect(try root.store.verify(folder: moved.folder).isDamaged)
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        try damage(turn: 1)
        #expect(try root.store.quarantine(session, of: agent).folder == ".quarantine/agent/s-2/session")
    }

    func damage(turn: Int) throws {
        #expect(try sqlite3(root.database(), "UPDATE log SET body = '{' WHERE turn = \(turn)") == "")
    }

    @Test func `what is not damaged stays`() throws {
        #expect(codeOfQuarantine() == .noSuchSession)
        try root.fill()
        #expect(codeOfQuarantine() == .notDamaged)
        #expect(try sqlite3(root.database(), "PRAGMA user_version = 99") == "")
        #expect(codeOfQuarantine() == .notDamaged)
        #expect(try FileManager.default.fileExists(atPath: root.database()))
        #expect(!FileManager.default.fileExists(atPath: root.path + "/.quarantine"))
    }

    @Test func `a session that is held stays`() throws {
        try root.fill()
        let child = try Child.writer("hold", root.path, "s")
        #expect(try child.line() == "leased")
        #expect(codeOfQuarantine() == .busy)
        try child.endInput()
        #expect(child.wait() == 0)
        let leased = try root.lease()
        #expect(codeOfQuarantine() == .busy)
        try leased.release()
        #expect(try root.store.verify(session, of: agent).isSound)
    }

    /// The damage is one that a writer does not meet: it appends, and reads nothing.
    @Test func `a session is moved between two turns of another process, and no commit is lost`() throws {
        try fillThreeTurns()
        try damage()
        let child = try Child.writer("turns", root.path, "s", "w", "40")
        var moved: QuarantinedSession?
        while moved == nil, child.isRunning {
            let result = Result { () throws(SessionStoreError) in try root.store.quarantine(session, of: agent) }
            if case .failure(let error) = result { #expect(error.code == .busy) }
            moved = try? result.get()
        }
        // A turn that waited for the lease is told that the folder has gone.
        let status = child.wait()
        let aside = try #require(moved)
        let left = Int(try sqlite3("\(root.path)/\(aside.folder)/s.db", "SELECT count(*) FROM log")) ?? 0
        #expect(aside.report.entries == left)
        if status == 0 {
            let report = try root.store.verify(session, of: agent)
            #expect(report.isSound)
            #expect(left - 6 + report.entries == 2 * 40)
        }
    }

    @Test func `a file that is none is moved too`() throws {
        try root.fill()
        try FileManager.default.removeItem(atPath: root.database())
        try FileManager.default.createDirectory(atPath: root.database(), withIntermediateDirectories: true)
        #expect(try root.store.quarantine(session, of: agent).report.findings.map(\.kind) == [.foreignFile])
        try root.fill()
    }

    @Test func `a log that lost its database is moved too`() throws {
        try fillThreeTurns()
        try FileManager.default.removeItem(atPath: root.database())
        #expect(try root.store.quarantine(session, of: agent).report.findings.map(\.kind) == [.lostDatabase])
        try root.fill()
    }

    @Test func `a folder that cannot be moved is left as it was`() throws {
        try fillThreeTurns()
        try damage()
        try write(Data(), to: root.path + "/.quarantine")
        #expect(codeOfQuarantine() == .inputOutput)
        #expect(try root.store.verify(session, of: agent).isDamaged)
        #expect(try ProcessState.isFree(session: root.folder()))
    }

    @Test func `a damaged session is not opened, and its error names the command`() throws {
        try root.fill()
        #expect(try sqlite3(root.database(), "DROP TABLE meta") == "")
        let error = try #require(errorOf { try root.lease() })
        #expect(error.code == .damaged)
        #expect("\(error)".contains("perdure verify"))
        #expect(try FileManager.default.fileExists(atPath: root.database()))
    }

    // MARK: - What is left

    @Test func `the turns before the damage begin a session with an identity of its own`() throws {
        try fillThreeTurns()
        let before = try root.lease()
        let identity = before.identity
        try before.release()
        try damage()
        let moved = try root.store.quarantine(session, of: agent)
        let archive = try root.store.salvage(folder: moved.folder)
        #expect(archive.names == SessionNames(agent: "agent", session: "s"))
        try root.store.create(session, of: agent, from: archive, until: .now)
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1) + turn(2))
        #expect(try leased.request("r2") == RequestRecord(turn: 2, outcome: .completed(reply: "reply 2")))
        #expect(try leased.request("r3") == nil)
        #expect(leased.identity != identity)
        try leased.release()
        #expect(try root.store.verify(session, of: agent).isSound)
    }

    @Test func `salvage makes the tables anew, and does without meta`() throws {
        try fillThreeTurns()
        #expect(try sqlite3(root.database(), "DROP TABLE requests; DROP TABLE calls; DELETE FROM meta") == "")
        let archive = try root.store.salvage(folder: root.store.path(of: session, agent: agent))
        #expect(archive.names == SessionNames(agent: "agent", session: "s"))
        #expect(archive.entries.map(\.entry) == turn(1) + turn(2) + turn(3))
        try root.store.create(SessionID("new"), of: agent, from: archive, until: .now)
        #expect(try root.store.verify(SessionID("new"), of: agent).isSound)
    }

    @Test func `where not one turn is left, nothing is salvaged`() throws {
        try fillThreeTurns()
        #expect(try sqlite3(root.database(), "DROP TABLE log") == "")
        let error = #expect(throws: SessionStoreError.self) {
            try root.store.salvage(folder: root.store.path(of: session, agent: agent))
        }
        #expect(error?.code == .damaged)
    }

    /// Distributions build the shell without what `.recover` reads with.
    static let canRecover = (try? sqlite3(":memory:", "SELECT count(*) FROM sqlite_dbpage")) == "0"

    @Test(.enabled(if: canRecover)) func `what sqlite3 recovers is a session again`() throws {
        try fillThreeTurns()
        // The shell writes the log back; a page of an index is then lost.
        let page = try sqlite3(root.database(), "SELECT rootpage FROM sqlite_schema WHERE name = 'calls'")
        try overwrite(
            root.database(), at: try #require(UInt64(page)) * 4096 - 4096, with: Data(repeating: 0xA5, count: 4096))
        let moved = try root.store.quarantine(session, of: agent)
        let folder = try root.makeFolder()
        let recovered = try shell(
            "sh", "-c", "sqlite3 '\(root.path)/\(moved.folder)/s.db' .recover | sqlite3 '\(folder)/s.db'")
        #expect(recovered.code == 0, "\(recovered.output)")
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1) + turn(2) + turn(3))
        try leased.release()
        #expect(try root.store.verify(session, of: agent).isSound)
    }
}
