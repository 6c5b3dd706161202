// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Synchronization
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(2)), .serialized, .enabled(if: ProcessState.isReadable))
struct EraseTests {
    let root: TemporaryRoot
    let agent: AgentName

    init() throws {
        // What stays open is tested elsewhere; here each lease sees the files as another process does.
        root = try TemporaryRoot(warmSessions: 0)
        agent = try AgentName("agent")
    }

    private func erase(_ session: String = "s", waiting: Duration = .zero) throws {
        try root.store.erase(SessionID(session), of: agent, until: .now.advanced(by: waiting))
    }

    private func leaseExisting(_ session: String = "s") throws -> LeasedSession {
        try root.store.leaseExisting(SessionID(session), of: agent, until: .now)
    }

    @Test func `nothing of an erased session is left, and the next one of its name is new`() throws {
        try root.fill("neighbour")
        var leased = try root.lease()
        let identity = leased.identity
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.attach("a", [[UInt8](repeating: 1, count: 700_000)])
        try leased.release()
        let folder = try root.folder()
        for suffix in ["-journal", "-shm", "-live"] {
            try Data(count: 100).write(to: URL(filePath: folder + "/s.db" + suffix))
        }
        try erase()
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(errorOf { try leaseExisting() }?.code == .noSuchSession)
        #expect(code { try erase() } == .noSuchSession)
        #expect(!FileManager.default.fileExists(atPath: folder), "asking created nothing")
        #expect(try ProcessState.descriptors(below: folder).isEmpty)
        #expect(try root.store.sessions().readable.map(\.session) == ["neighbour"])
        var new = try root.lease()
        #expect(new.identity != identity)
        #expect(try new.entries().isEmpty && new.attachments().isEmpty && new.request("r1") == nil)
        try new.append(turn(1))
        try new.release()
    }

    @Test func `a session that is held is not erased`() throws {
        var leased = try root.lease()
        try leased.append(turn(1))
        #expect(code { try erase() } == .busy)
        try leased.append(turn(2))
        try leased.release()
        let child = try Child.writer("hold", root.path, "s")
        #expect(try child.line() == "leased")
        #expect(code { try erase() } == .busy)
        try child.endInput()
        #expect(child.wait() == 0)
        let again = try leaseExisting()
        #expect(try again.entries() == turn(1) + turn(2))
        try again.release()
        try erase()
    }

    @Test func `what cannot be opened is left alone`() throws {
        try root.fill()
        let folder = try root.folder()
        _ = try sqlite3(folder + "/s.db", "PRAGMA journal_mode=DELETE; PRAGMA user_version = 9")
        #expect(code { try erase() } == .newerSchema)
        #expect(try sqlite3(folder + "/s.db", "SELECT count(*) FROM log") == "2")
    }

    @Test func `a folder with something else in it keeps that`() throws {
        try root.fill()
        let folder = try root.folder()
        try Data("mine".utf8).write(to: URL(filePath: folder + "/note"))
        try erase()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["note"])
        #expect(errorOf { try leaseExisting() }?.code == .noSuchSession)
        try root.fill()
    }

    // MARK: - Crashes and errors

    @Test(arguments: ["kill", "kill-after"])
    func `a SIGKILL anywhere leaves the whole session or none`(_ action: String) throws {
        var (number, ended, whole, gone) = (0, Int32(0), 0, 0)
        repeat {
            number += 1
            let session = "s\(number)"
            try root.fill(session)
            let before = try root.lease(session)
            let identity = before.identity
            try before.release()
            let child = try Child.writer("erase", root.path, session, fault: "\(action):any:\(number)")
            let said = try child.lines()
            ended = child.wait()
            // Or else it would never end.
            try #require(ended == SIGKILL || (ended == 0 && said == ["erased"]))
            do {
                let leased = try leaseExisting(session)
                #expect(try leased.entries() == turn(1) && leased.identity == identity, "operation \(number)")
                #expect(said.isEmpty)
                try leased.release()
                whole += 1
                try erase(session)
            } catch {
                #expect((error as? SessionStoreError)?.code == .noSuchSession, "operation \(number): \(error)")
                gone += 1
            }
            #expect(!(try root.store.sessions().readable.contains { $0.session == session }))
            let new = try root.lease(session)
            #expect(try new.identity != identity && new.entries().isEmpty)
            try new.release()
            try erase(session)
        } while ended != 0
        #expect(whole > 10 && gone > 5)
        #expect(try root.store.sessions().unreadable.isEmpty)
    }

    @Test(arguments: [EIO, ENOSPC, EACCES])
    func `an error anywhere is reported, and leaves the whole session or none`(_ errno: Int32) throws {
        var number = 0
        var error: SessionStoreError?
        repeat {
            number += 1
            let session = "s\(number)"
            try root.fill(session)
            var plan = FaultPlan(.fail(errno), number: number)
            plan.folder = root.store.root
            plan.set()
            do throws(SessionStoreError) {
                error = nil
                try root.store.erase(SessionID(session), of: agent, until: .now)
            } catch let found {
                error = found
            }
            FaultPlan.clear()
            #expect(try ProcessState.descriptors(below: root.store.root).isEmpty, "operation \(number)")
            let new = try root.lease(session)
            #expect(try [[], turn(1)].contains(new.entries()), "operation \(number)")
            try new.release()
            try erase(session)
        } while error != nil
        #expect(number > 20)
    }

    // MARK: - Others at the same time

    private final class Progress: Sendable {
        let isOver = Mutex(false)
        let erased = Mutex(0)
    }

    @Test func `whoever waits for a session that is erased finds none, or a new one`() async throws {
        let (root, agent, session, progress) = (root, agent, try SessionID("s"), Progress())
        async let writing: Void = onThread {
            defer { progress.isOver.withLock { $0 = true } }
            // Another process creates it over and over, and commits once each time.
            let child = try Child.writer("turns", root.path, "s", "w", "200")
            #expect(try child.lines().count == 200)
            #expect(child.wait() == 0)
        }
        try await onThread {
            while !progress.isOver.withLock({ $0 }) {
                do throws(SessionStoreError) {
                    try root.store.erase(session, of: agent, until: .now.advanced(by: .milliseconds(50)))
                    progress.erased.withLock { $0 += 1 }
                } catch {
                    #expect(error.code == .busy || error.code == .noSuchSession, "\(error)")
                }
            }
        }
        try await writing
        #expect(progress.erased.withLock { $0 } > 5)
        #expect(try root.store.sessions().unreadable.isEmpty)
    }
}
