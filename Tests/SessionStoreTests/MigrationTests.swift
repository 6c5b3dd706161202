// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)), .serialized)
struct MigrationTests {
    let root: TemporaryRoot

    // A process with another schema begins with no session open.
    init() throws { root = try TemporaryRoot(warmSessions: 0) }

    static let adding = Migration(from: 1, sql: "ALTER TABLE log ADD COLUMN note TEXT; UPDATE log SET note = kind")
    static let widening = Migration(
        from: 2, sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY) STRICT; ALTER TABLE log RENAME COLUMN note TO remark"
    )
    static let failing = Migration(from: 2, sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY); DROP TABLE nothing")

    private func lease(_ migrations: [Migration]) throws -> LeasedSession {
        var store = root.store
        store.migrations = migrations
        return try store.leaseExisting(SessionID("s"), of: AgentName("agent"), until: .now)
    }

    private func version() throws -> String { try sqlite3(root.database(), "PRAGMA user_version") }

    @Test func `the released steps lead from version 1 to this library's without gaps`() {
        #expect([Int](1..<Schema.version) == Schema.migrations.map(\.from))
    }

    @Test func `an older file is brought up to date by each step in order, once`() throws {
        try root.fill()
        for (migrations, found) in [([Self.adding], "2"), ([Self.adding, Self.widening], "3")] {
            for _ in 0..<2 {
                var leased = try lease(migrations)
                #expect(try leased.entries().prefix(2) == turn(1)[...])
                try leased.append(turn(try leased.summary().turns + 1))
                try leased.release()
                #expect(try version() == found)
            }
        }
        #expect(try sqlite3(root.database(), "SELECT remark FROM log WHERE seq < 3") == "input\nreply")
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log; PRAGMA integrity_check") == "10\nok")
        #expect(errorOf { try root.lease() }?.code == .newerSchema)
    }

    @Test func `several steps at once are one transaction`() throws {
        try root.fill()
        var plan = FaultPlan.counting
        plan.operation = .logSync
        plan.set()
        try lease([Self.adding, Self.widening]).release()
        FaultPlan.clear()
        #expect(FaultPlan.seen == 1)
        #expect(try version() == "3")
    }

    @Test func `a step that fails leaves the old version, which is read and written as before`() throws {
        try root.fill()
        for _ in 0..<2 {
            let error = errorOf { try lease([Self.adding, Self.failing]) }
            #expect(error?.operation == "migrate" && error?.isRetryable == false, "\(error as Any)")
        }
        #expect(try version() == "1")
        var leased = try root.lease()
        #expect(try leased.entries() == turn(1))
        try leased.append(turn(2))
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM sqlite_schema WHERE name = 'notes'") == "0")
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM log; PRAGMA integrity_check") == "4\nok")
        try lease([Self.adding]).release()
        #expect(try version() == "2")
    }

    @Test func `a version that no step begins at is refused`() throws {
        try root.fill()
        #expect(errorOf { try lease([Self.widening]) }?.code == .damaged)
        #expect(try sqlite3(root.database(), "PRAGMA user_version = 0; PRAGMA user_version") == "0")
        #expect(errorOf { try root.lease() }?.code == .damaged)
    }

    @Test func `whoever leased the old version is fenced`() throws {
        try root.fill()
        let before = try #require(Int(sqlite3(root.database(), "SELECT epoch FROM meta")))
        try lease([Self.adding]).release()
        #expect(try sqlite3(root.database(), "SELECT epoch FROM meta") == "\(before + 1)")
    }

    @Test(arguments: ["kill", "kill-after", "kill:3000"])
    func `a SIGKILL anywhere leaves the old version or the new one`(_ action: String) throws {
        var (number, ended, versions) = (0, Int32(0), Set<String>())
        repeat {
            number += 1
            try root.fill()
            let parts = action.split(separator: ":")
            let torn = parts.count > 1 ? ":\(parts[1])" : ""
            let child = try Child.writer("migrate", root.path, "s", fault: "\(parts[0]):any:\(number)\(torn)")
            let said = try child.lines()
            ended = child.wait()
            // Or else it would never end.
            try #require(ended == SIGKILL || (ended == 0 && said == ["migrated"]))
            let error = errorOf { try root.lease() }
            #expect(error == nil || error?.code == .newerSchema, "operation \(number): \(error as Any)")
            if ended == 0 { #expect(error != nil) }
            let leased = try lease([Self.adding])
            #expect(try leased.entries() == turn(1))
            try leased.release()
            #expect(try version() == "2")
            #expect(try sqlite3(root.database(), "SELECT note FROM log; PRAGMA integrity_check") == "input\nreply\nok")
            versions.insert(error == nil ? "1" : "2")
            try FileManager.default.removeItem(atPath: root.folder())
        } while ended != 0
        #expect(number > 8 && versions == ["1", "2"])
    }
}
