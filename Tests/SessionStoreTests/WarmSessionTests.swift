// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

/// Sessions that stay open between their leases.
@Suite(.timeLimit(.minutes(2)), .serialized, .enabled(if: ProcessState.isReadable))
struct WarmSessionTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    /// The open files of the session.
    func descriptors(_ session: String = "s") throws -> [String] {
        try ProcessState.descriptors(below: root.folder(session)).sorted()
    }

    /// The names of the operations that a lease does on the session's files until it is given, in groups.
    func operations(_ wanted: [FileOperation], _ body: () throws -> Void) rethrows -> [Int] {
        try wanted.map { operation in
            var plan = FaultPlan.counting
            plan.operation = operation
            plan.folder = root.store.root
            plan.set()
            defer { FaultPlan.clear() }
            try body()
            return FaultPlan.seen
        }
    }

    func expectNothingLocked(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(try ProcessState.locks(on: root.database()).isEmpty, sourceLocation: location)
        #expect(try ProcessState.locks(on: root.database() + "-wal").isEmpty, sourceLocation: location)
        #expect(try ProcessState.isFree(session: root.folder()), sourceLocation: location)
    }

    // MARK: - What is kept

    @Test func `a session that was written to stays open, unlocked, and goes on without reading anything`() throws {
        try root.fill()
        let inodes = try descriptors()
        #expect(inodes == [try root.database(), try root.database() + "-wal"])
        try expectNothingLocked()
        for number in 2...4 {
            var leased = try root.lease()
            #expect(try leased.entries() == (1..<number).flatMap { turn($0) })
            try leased.append(turn(number))
            #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
            #expect(try !ProcessState.isFree(root.database() + "-wal", ProcessState.logBytes))
            try leased.release()
            try expectNothingLocked()
        }
        let counts = try operations([.databaseOpen, .logOpen, .databaseRead, .logRead, .folderSync]) {
            let leased = try root.lease()
            #expect(try leased.entries().count == 8)
            try leased.release()
        }
        // Two reads: the header of the log and that of its last frame.
        #expect(counts == [0, 0, 0, 2, 0])
        #expect(
            try sqlite3(root.database(), "SELECT count(*), epoch FROM log, meta; PRAGMA integrity_check") == "8|4\nok")
    }

    @Test func `a commit of a session that goes on is one write and one sync`() throws {
        try root.fill()
        var number = 1
        let counts = try operations([.logWrite, .logSync, .databaseWrite, .databaseSync]) {
            number += 1
            var leased = try root.lease()
            try leased.append(turn(number))
            try leased.release()
        }
        #expect(counts == [1, 1, 0, 0])
    }

    @Test func `a lease that only reads keeps nothing open, unless it was open`() throws {
        try root.lease().release()
        #expect(try descriptors().isEmpty)
        try root.fill("t")
        try root.lease("t").release()
        #expect(try descriptors("t").count == 2)
    }

    @Test func `a session whose log is empty is closed`() throws {
        var leased = try root.lease()
        var number = 0
        while try leased.logSize() <= LeasedSession.checkpointThreshold {
            number += 1
            try leased.append(turn(number, text: String(repeating: "x", count: 300_000)))
        }
        try leased.release()
        #expect(try descriptors().isEmpty)
        let again = try root.lease()
        #expect(try again.entries().count == 2 * number)
        try again.release()
    }

    @Test func `a session that died is closed`() throws {
        try root.fill()
        var leased = try root.lease()
        // A request id that is there already.
        #expect(throws: SessionStoreError.self) { try leased.append(turn(1)) }
        try leased.release()
        #expect(try descriptors().isEmpty)
        try root.lease().release()
    }

    @Test func `a session that is dropped is closed`() throws {
        try root.fill()
        do { _ = try root.lease() }
        #expect(try descriptors().isEmpty)
        try expectNothingLocked()
    }

    @Test(arguments: [0, -1])
    func `a store that is to keep none closes each`(_ limit: Int) throws {
        let root = try TemporaryRoot(warmSessions: limit)
        try root.fill()
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        try leased.release()
    }

    @Test func `the session that was used the longest ago is closed for another one`() throws {
        let root = try TemporaryRoot(warmSessions: 2)
        let open = { try Set(ProcessState.descriptors(below: root.store.root).map { $0.replacing("-wal", with: "") }) }
        for session in ["a", "b"] { try root.fill(session) }
        try root.lease("a").release()
        try root.fill("c")
        #expect(try open() == [root.database("a"), root.database("c")])
        #expect(try ProcessState.descriptors(below: root.store.root).count == 4)
        let evicted = try root.lease("b")
        #expect(try evicted.entries() == turn(1))
        try evicted.release()
    }

    @Test func `closing leaves no descriptor and no lock`() throws {
        for session in ["s", "t", "u"] { try root.fill(session) }
        var copy = Optional(root.store)
        copy?.closeWarmSessions()
        copy = nil
        #expect(try ProcessState.descriptors(below: root.store.root).isEmpty)
        try expectNothingLocked()
        root.store.closeWarmSessions()
        let leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        root.store.closeWarmSessions()
        #expect(try !ProcessState.isFree(root.database(), ProcessState.databaseBytes))
        try leased.release()
    }

    @Test func `the end of a store closes its sessions`() throws {
        let folder = root.store.root
        do {
            let store = try SessionStore(root: folder)
            var leased = try store.lease(SessionID("s"), of: AgentName("agent"), attempt: "", until: .now)
            try leased.append(turn(1))
            try leased.release()
            #expect(try descriptors().count == 2)
        }
        #expect(try descriptors().isEmpty)
    }

    @Test func `a copy of an archive goes on under the identity of the original`() throws {
        try root.fill()
        let leased = try root.lease()
        let archive = try leased.archive()
        try leased.release()
        let other = try TemporaryRoot()
        for _ in 0..<2 {
            if try !FileManager.default.fileExists(atPath: other.database()) {
                try other.store.create(
                    SessionID("s"), of: AgentName("agent"), from: archive, until: .now.advanced(by: .seconds(5)))
            }
            var copy = try other.lease()
            #expect(copy.identity == archive.identity)
            try copy.append(turn(try copy.summary().turns + 1))
            try copy.release()
        }
    }
}
