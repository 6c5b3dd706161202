// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import Testing

@testable import SessionStore

/// What becomes of an inbox when something else is done with its session.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct InboxLifeTests {
    let root: TemporaryRoot
    let agent: AgentName
    let session: SessionID
    let message = InboxMessage(id: "a", body: "waiting")

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
        session = try SessionID("s")
        // A session with a turn, and a message that its last lease has not read.
        try root.fill()
        var leased = try root.lease(waiting: .seconds(10))
        try leased.attendInbox()
        #expect(try root.store.post(message, to: session, of: agent, until: .now))
        try leased.release()
    }

    func messages(of session: String) throws -> [InboxMessage] {
        var leased = try root.lease(session, waiting: .seconds(10))
        try leased.attendInbox()
        let messages = try leased.takeMessages()
        try leased.release()
        return messages
    }

    func append(_ bytes: [UInt8]) throws {
        let file = try root.folder() + "/s.db-inbox"
        let old = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
        try Data(old + bytes).write(to: URL(fileURLWithPath: file))
    }

    @Test func `an erased session takes its messages along`() throws {
        try root.store.erase(session, of: agent, until: .now)
        #expect(!FileManager.default.fileExists(atPath: try root.folder()))
        try root.fill()
        #expect(try messages(of: "s") == [])
    }

    @Test func `a fork and a copy begin with an empty inbox, and the session keeps its own`() throws {
        try root.store.fork(session, of: agent, as: SessionID("fork"), until: .now)
        let leased = try root.lease()
        let archive = try leased.archive()
        try leased.release()
        try root.store.create(SessionID("copy"), of: agent, from: archive, until: .now)
        #expect(try messages(of: "fork") == [])
        #expect(try messages(of: "copy") == [])
        #expect(try messages(of: "s") == [message])
    }

    @Test func `a verification counts messages, and changes nothing`() throws {
        let before = try Data(contentsOf: URL(fileURLWithPath: root.folder() + "/s.db-inbox"))
        let report = try root.store.verify(session, of: agent)
        #expect(report.isSound && report.messages == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: root.folder() + "/s.db-inbox")) == before)
        try root.fill("other")
        #expect(try root.store.verify(SessionID("other"), of: agent).messages == 0)
        #expect(!FileManager.default.fileExists(atPath: try root.folder("other") + "/s.db-inbox"))
    }

    @Test func `what a crash has left is no finding, and a damaged message is one that moves nothing aside`() throws {
        try append(Array("0123456789abcdef {\"id\":\"cut o".utf8))
        #expect(try root.store.verify(session, of: agent).isSound)
        try append(Array("\n".utf8) + InboxMessage(id: "b", body: "behind").record())
        let report = try root.store.verify(session, of: agent)
        #expect(report.findings.map(\.kind) == [.brokenInbox] && report.messages == 2)
        #expect(!report.isDamaged)
        #expect(code { _ = try root.store.quarantine(session, of: agent) } == .notDamaged)
        #expect(try messages(of: "s").map(\.id) == ["a", "b"])
    }

    @Test func `a damaged session that is moved aside takes its messages along`() throws {
        root.store.closeWarmSessions()
        try Data("no database".utf8).write(to: URL(fileURLWithPath: root.database()))
        let aside = try root.store.quarantine(session, of: agent)
        #expect(FileManager.default.fileExists(atPath: "\(root.store.root)/\(aside.folder)/s.db-inbox"))
        try root.fill()
        #expect(try messages(of: "s") == [])
    }

    @Test func `a folder with an inbox and nothing else is no session`() throws {
        let folder = try root.makeFolder("empty")
        try Data().write(to: URL(fileURLWithPath: folder + "/s.db-inbox"))
        #expect(try root.store.folders().count == 1)
        #expect(try root.store.sessions().readable.map(\.session) == ["s"])
        #expect(try root.store.agents(having: SessionID("empty")) == [])
        #expect(try !root.store.post(message, to: SessionID("empty"), of: agent, until: .now))
    }
}
