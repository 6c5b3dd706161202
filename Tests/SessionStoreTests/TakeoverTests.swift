// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

/// A session whose holder stopped in the middle of a turn gets another log.
@Suite(.timeLimit(.minutes(2)), .serialized, .enabled(if: ProcessState.isReadable))
struct TakeoverTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    private static let input = Entry(turn: 2, fact: .input(request: "r2", text: "text"))
    private static let reply = Entry(turn: 2, fact: .reply(ModelReply(text: "reply 2")))

    /// One turn, and the beginning of a second.
    private func leaveOpen(_ session: String = "s") throws {
        try root.fill(session)
        var leased = try root.lease(session)
        try leased.append([Self.input])
        try leased.release()
        // This process knows that nobody will come back; another one does not.
        root.store.closeWarmSessions()
    }

    private func inode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }

    @Test func `whole turns stay in the log that they are in`() throws {
        try root.fill()
        // Removed names give their inodes away: a link keeps this one.
        try FileManager.default.linkItem(atPath: root.database() + "-wal", toPath: root.path + "/first")
        var leased = try root.lease()
        try leased.append(turn(2), outcome: .completed(reply: "reply 2"))
        try leased.append([Entry(turn: 2, fact: .checkpoint(label: "end"))])
        try leased.confirm()
        try leased.release()
        try root.lease().release()
        #expect(try inode(root.database() + "-wal") == inode(root.path + "/first"))
    }

    @Test func `a turn that was left open moves into the database, and another log begins`() throws {
        try leaveOpen()
        let log = try root.database() + "-wal"
        try FileManager.default.linkItem(atPath: log, toPath: root.path + "/first")
        var leased = try root.lease()
        #expect(try leased.entries() == turn(1) + [Self.input])
        #expect(try inode(log) != inode(root.path + "/first"))
        #expect(try leased.logSize() == 0)
        try leased.append([Self.reply], outcome: .completed(reply: "reply 2"))
        try leased.release()
        try FileManager.default.removeItem(atPath: root.path + "/first")
        try FileManager.default.linkItem(atPath: log, toPath: root.path + "/second")
        let again = try root.lease()
        #expect(try again.entries() == turn(1) + [Self.input, Self.reply])
        #expect(try inode(log) == inode(root.path + "/second"))
        try again.release()
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    @Test func `a process that has kept the session open goes on in the log of its own interrupted turn`() throws {
        try root.fill()
        var leased = try root.lease()
        try leased.append([Self.input])
        try leased.release()
        try FileManager.default.linkItem(atPath: root.database() + "-wal", toPath: root.path + "/first")
        let again = try root.lease()
        #expect(try again.entries() == turn(1) + [Self.input])
        #expect(try inode(root.database() + "-wal") == inode(root.path + "/first"))
        try again.release()
    }

    @Test func `a holder that has lost its locks and does not know it harms nobody`() throws {
        try root.fill()
        var lost = try root.lease()
        try lost.append([Self.input])
        // "All locks associated with a file for a given process are removed when any file descriptor for that file is
        // closed by that process", fcntl(2): as if the server had given them to somebody else and enforced nothing.
        for path in [try root.database(), try root.database() + "-wal"] { close(open(path, O_RDONLY)) }
        let other = try Child.writer("append", root.path, "s", "w", "3")
        #expect(try other.lines() == ["0", "1", "2"])
        #expect(other.wait() == 0)
        let before = try sqlite3(root.database(), "SELECT count(*), max(epoch) FROM log, meta; PRAGMA integrity_check")
        #expect(before == "9|3\nok")
        // What it writes goes into a file that has no name any more.
        try? lost.append([Self.reply], outcome: .completed(reply: "reply 2"))
        try? lost.release()
        let after = try sqlite3(root.database(), "SELECT count(*), max(epoch) FROM log, meta; PRAGMA integrity_check")
        #expect(after == before)
        var leased = try root.lease()
        #expect(try leased.entries().count == 9)
        try leased.append(turn(9))
        try leased.release()
    }

    @Test(arguments: ["kill", "kill-after"])
    func `a SIGKILL at any operation of a takeover loses nothing`(_ action: String) throws {
        var number = 0
        var ended: Int32
        repeat {
            number += 1
            let session = "s\(number)"
            try leaveOpen(session)
            let child = try Child.writer("hold", root.path, session, fault: "\(action):any:\(number)")
            try child.endInput()
            _ = try child.lines()
            ended = child.wait()
            // Or else it would never end.
            try #require(ended == SIGKILL || ended == 0)
            let leased = try root.lease(session)
            #expect(try leased.entries() == turn(1) + [Self.input], "operation \(number)")
            try leased.release()
            #expect(try sqlite3(root.database(session), "PRAGMA integrity_check") == "ok")
        } while ended != 0
        #expect(number > 30)
    }

    @Test func `an error at any operation of a takeover is reported, and loses nothing`() throws {
        var number = 0
        var error: SessionStoreError?
        var details = ""
        repeat {
            number += 1
            let session = "s\(number)"
            try leaveOpen(session)
            var plan = FaultPlan(.fail(EIO), number: number)
            plan.folder = root.store.root
            plan.set()
            error = errorOf { try root.lease(session) }
            FaultPlan.clear()
            details += error?.description ?? ""
            #expect(try ProcessState.locks(on: root.database(session)).isEmpty, "operation \(number)")
            let leased = try root.lease(session)
            #expect(try leased.entries() == turn(1) + [Self.input], "operation \(number)")
            try leased.release()
        } while error != nil
        #expect(number > 30)
        #expect(details.contains("take over"))
    }
}
