// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

/// What may have become of a session that stayed open, by the time it is leased again.
@Suite(.timeLimit(.minutes(2)), .serialized, .enabled(if: ProcessState.isReadable))
struct WarmChangeTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What somebody does to the session, which has one turn; and what its entries are then.
        let change: @Sendable (_ root: TemporaryRoot) throws -> [Entry]
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "nothing") { _ in turn(1) },
        Case(name: "a turn of another process") { root in
            let child = try Child.writer("append", root.path, "s", "w", "1")
            #expect(try child.lines() == ["0"])
            #expect(child.wait() == 0)
            return turn(1) + written(2)
        },
        Case(name: "a turn of another store in this process") { root in
            let other = try SessionStore(root: root.path) { TemporaryRoot.time }
            var leased = try other.lease(SessionID("s"), of: AgentName("agent"), attempt: "", until: .now)
            try leased.append(turn(2))
            try leased.release()
            return turn(1) + turn(2)
        },
        Case(name: "a turn of another process that is killed before its sync") { root in
            let child = try Child.writer("append", root.path, "s", "w", "1", fault: "kill:wal.sync:1")
            #expect(try child.lines().isEmpty)
            #expect(child.wait() == SIGKILL)
            return turn(1) + written(2)
        },
        Case(name: "half a turn of another process that is killed") { root in
            let child = try Child.writer("append", root.path, "s", "w", "1", fault: "kill:wal.write:1:6000")
            #expect(try child.lines().isEmpty)
            #expect(child.wait() == SIGKILL)
            return turn(1)
        },
        Case(name: "a reader that takes the log away") { root in
            let count = try sqlite3(root.database(), "SELECT count(*) FROM log")
            #expect(count == "2")
            return turn(1)
        },
        Case(name: "a writer that begins the log anew, and makes it as long as it was") { root in
            // A log of the same length, with other salts, in the same file.
            _ = try sqlite3(
                root.database(),
                """
                PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(RESTART); UPDATE meta SET epoch = 7;
                .filectrl persist_wal 1
                .dbconfig no_ckpt_on_close on
                """)
            return turn(1)
        },
        Case(name: "a restored copy, made before the turn, in the same files") { root in
            try Data().write(to: URL(fileURLWithPath: root.database() + "-wal"))
            return []
        },
        Case(name: "a copy in the place of both files") { root in
            let folder = try root.folder()
            try FileManager.default.copyItem(atPath: folder, toPath: folder + ".new")
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".old")
            try FileManager.default.moveItem(atPath: folder + ".new", toPath: folder)
            return turn(1)
        },
        Case(name: "a copy in the place of the log") { root in
            let log = try root.database() + "-wal"
            try FileManager.default.copyItem(atPath: log, toPath: log + ".new")
            try FileManager.default.removeItem(atPath: log)
            try FileManager.default.moveItem(atPath: log + ".new", toPath: log)
            return turn(1)
        },
        Case(name: "the end of the session") { root in
            try FileManager.default.removeItem(atPath: root.folder())
            return []
        },
    ])
    func `the next lease finds what is there, and goes on`(_ item: Case) throws {
        try root.fill()
        let expected = try item.change(root)
        for round in 0..<2 {
            var leased = try root.lease(waiting: .seconds(5))
            let next = expected.count / 2 + 1
            let added = (next..<next + round).flatMap { turn($0, request: "new \($0)") }
            #expect(try leased.entries() == expected + added, "\(round)")
            try leased.append(turn(next + round, request: "new \(next + round)"))
            try leased.release()
        }
        root.store.closeWarmSessions()
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log") == "\(expected.count + 4)")
    }

    @Test func `a log that goes on behind the last commit is not trusted, and nothing is lost`() throws {
        try root.fill()
        // Frames of a commit that was not finished, some of them whole: what comes next is written over them.
        let child = try Child.writer("append", root.path, "s", "w", "6", fault: "kill:wal.write:6:40000")
        let said = try child.lines().count
        #expect(child.wait() == SIGKILL && said == 5)
        var leased = try root.lease(waiting: .seconds(5))
        let short = Entry(turn: 7, fact: .input(request: "short", text: ""))
        // A whole turn, or else the next process would begin another log.
        try leased.append([short], outcome: .failed(reason: ""))
        let size = try leased.logSize()
        try leased.release()
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        let other = try Child.writer("append", root.path, "s", "v", "1")
        #expect(try other.lines() == ["0"])
        #expect(other.wait() == 0)
        let after = try FileManager.default.attributesOfItem(atPath: root.database() + "-wal")[.size] as? Int64
        #expect(after == size, "the case is not what it should be")
        let again = try root.lease()
        #expect(try again.entries().count == 2 + 10 + 1 + 2)
        try again.release()
    }

    @Test(arguments: [
        FileOperation.lockDatabase, .lockLog, .databaseSize, .logSize, .logRead, .unlockLog, .unlockDatabase,
    ])
    func `a failure of a session that is open costs no turn`(_ operation: FileOperation) throws {
        try root.fill()
        for error in [EIO, ESTALE, ENOLCK] {
            var plan = FaultPlan(.fail(error), at: operation)
            plan.folder = root.store.root
            plan.set()
            defer { FaultPlan.clear() }
            let leased = try root.lease()
            #expect(try leased.entries() == turn(1))
            do { try leased.release() } catch { #expect(operation.description.hasPrefix("unlock")) }
            #expect(FaultPlan.seen >= 1)
            FaultPlan.clear()
            #expect(try ProcessState.isFree(session: root.folder()))
            var next = try root.lease()
            try next.confirm()
            try next.release()
        }
    }

    @Test func `a session that is open and leased elsewhere is busy, and stays open`() throws {
        try root.fill()
        let before = try ProcessState.descriptors(below: root.store.root)
        let holder = try Child.writer("hold", root.path, "s")
        #expect(try holder.line() == "leased")
        #expect(errorOf { try root.lease() }?.code == .busy)
        #expect(errorOf { try root.lease(waiting: .milliseconds(300)) }?.code == .busy)
        #expect(try ProcessState.descriptors(below: root.store.root) == before)
        try holder.endInput()
        #expect(try holder.line() == "released")
        let leased = try root.lease(waiting: .seconds(5))
        #expect(try leased.entries() == turn(1))
        try leased.release()
        #expect(try ProcessState.descriptors(below: root.store.root) == before)
    }

    // MARK: - Threads

    @Test(arguments: [1, 2, 0])
    func `threads that lease and close lose no lock, no turn and no descriptor`(_ limit: Int) async throws {
        let root = try TemporaryRoot(warmSessions: limit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    try await onThread {
                        for round in 0..<20 {
                            // Two threads on one session, and two that have it closed by sessions of their own.
                            let session = thread < 2 ? "s" : "s\(thread)\(round % 2)"
                            var leased = try root.lease(session, waiting: .seconds(60))
                            let next = try leased.summary().turns + 1
                            try leased.append(turn(next, request: "\(thread)/\(round)"))
                            for file in [try root.database(session), try root.database(session) + "-wal"] {
                                guard try ProcessState.locks(on: file).count == 1 else { throw Unlocked() }
                            }
                            if thread == 3 { root.store.closeWarmSessions() }
                            try leased.release()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        for (session, turns) in [("s", 40), ("s20", 10), ("s21", 10), ("s30", 10), ("s31", 10)] {
            let leased = try root.lease(session)
            #expect(try leased.entries().map(\.turn) == (1...turns).flatMap { [$0, $0] })
            try leased.release()
        }
        #expect(try root.openFiles().isEmpty)
        #expect(try ProcessState.locks(on: root.database()).isEmpty)
    }

    struct Unlocked: Error {}
}

/// What `StoreWriter` commits as its first turn.
private func written(_ number: Int) -> [Entry] {
    [
        Entry(turn: number, fact: .input(request: "w/0", text: "")),
        Entry(turn: number, fact: .reply(ModelReply(text: "w/0"))),
    ]
}
