// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import SQLiteDriver
import Testing

/// Errors of the file system at each operation. The plan belongs to the process, so these run one after the other.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct FileFaultTests {
    /// What a run of the workload came to.
    struct Run {
        var acknowledged: [String] = []
        var error: SQLiteError?
        /// Whether the dead connection did anything to the files when it was used on.
        var touchedAfterwards = false
        var failure: FileFailure?
    }

    /// Commits, a checkpoint in the middle and a look at all of it, on a database that exists.
    static func run(_ plan: FaultPlan, on database: OpenDatabase) throws -> Run {
        var plan = plan
        plan.folder = database.folder.url.path
        plan.set()
        defer { FaultPlan.clear() }
        var run = Run()
        var connection: Connection?
        do throws(SQLiteError) {
            let opened = try Connection(files: database.files)
            connection = opened
            try opened.setCheckpointOnClose(false)
            try opened.execute("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL")
            for number in 0..<6 {
                if number == 4 { try opened.checkpoint(.truncate) }
                let value = "\(number)" + String(repeating: "x", count: number * 9_000)
                _ = try opened.withTransaction(.immediate) { () throws(SQLiteError) in
                    try opened.run("INSERT INTO t (v) VALUES (?)", .text(value))
                }
                run.acknowledged.append(value)
            }
            _ = try text(opened, "SELECT group_concat(v) FROM t")
        } catch {
            run.error = error
        }
        if run.error != nil, let connection {
            let before = database.operations
            for sql in ["SELECT * FROM t", "INSERT INTO t (v) VALUES ('late')", "PRAGMA wal_checkpoint=TRUNCATE"] {
                do throws(SQLiteError) {
                    try connection.execute(sql)
                    Issue.record("the dead connection said yes to \(sql)")
                } catch {
                    #expect(error.fileFailure == run.error?.fileFailure)
                }
            }
            run.touchedAfterwards = database.operations != before
        }
        try connection?.close()
        run.failure = database.files.failure
        return run
    }

    /// A database with a table, and something in its log.
    static func makeDatabase() throws -> OpenDatabase {
        let database = try OpenDatabase()
        let connection = try database.create()
        try connection.run("INSERT INTO t (v) VALUES ('first')")
        try connection.close()
        return database
    }

    /// What the stock shell finds. It has locks of its own, and copies the log into the database.
    static func expect(_ run: Run, in database: OpenDatabase, _ location: SourceLocation = #_sourceLocation) throws {
        let found = try shell("sqlite3", database.path, "PRAGMA integrity_check; SELECT v FROM t").output
            .split(separator: "\n").map(String.init)
        #expect(found.first == "ok" && found.dropFirst().first == "first", sourceLocation: location)
        let kept = Array(found.dropFirst(2))
        // A commit whose sync failed may be there: whether it is was unknown.
        #expect(kept.starts(with: run.acknowledged), sourceLocation: location)
        #expect(kept.count <= run.acknowledged.count + 1, sourceLocation: location)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let action: FaultPlan.Action
        var bytes: Int?
        var testDescription: String { name }
        var errno: Int32 { if case .fail(let number) = action { number } else { 0 } }
    }

    static let cases = [
        Case(name: "EIO", action: .fail(EIO)),
        Case(name: "ESTALE", action: .fail(ESTALE)),
        Case(name: "ENOSPC", action: .fail(ENOSPC)),
        Case(name: "EDQUOT after 20,000 bytes", action: .fail(EDQUOT), bytes: 20_000),
        Case(name: "EIO after 1 byte", action: .fail(EIO), bytes: 1),
        Case(name: "EIO after the whole write", action: .fail(EIO), bytes: .max),
    ]

    @Test(arguments: cases)
    func `an error at any operation ends the connection, and loses nothing that was acknowledged`(_ item: Case) throws {
        let healthy = try Self.run(.counting, on: Self.makeDatabase())
        #expect(healthy.error == nil && healthy.acknowledged.count == 6)
        let count = FaultPlan.seen
        #expect(count > 30)
        var names: Set<String> = []
        for number in 1...count {
            let database = try Self.makeDatabase()
            let run = try Self.run(FaultPlan(item.action, number: number, bytes: item.bytes), on: database)
            let failure = try #require(run.error?.fileFailure, "operation \(number)")
            #expect(failure.errno == item.errno && run.error?.systemErrno == item.errno)
            #expect(failure == run.failure)
            #expect(run.error.map { "\($0)".contains("\(failure.operation)") } == true)
            #expect(!run.touchedAfterwards, "operation \(number)")
            if item.errno != ENOSPC && item.errno != EDQUOT { #expect(run.error?.code.primary == .ioError) }
            try Self.expect(run, in: database)
            names.insert("\(failure.operation)")
        }
        #expect(
            names == [
                "db.read", "db.write", "db.sync", "db.truncate", "db.size", "wal.read", "wal.write", "wal.sync",
                "wal.truncate", "wal.size",
            ])
    }

    @Test(arguments: [ENOSPC, EDQUOT])
    func `a log that cannot grow is a full disk`(_ number: Int32) throws {
        let database = try Self.makeDatabase()
        let run = try Self.run(FaultPlan(.fail(number), at: .logWrite, number: 3, bytes: 5_000), on: database)
        #expect(run.error?.code == .full || run.error?.systemErrno == number)
        #expect(run.acknowledged.count == 2)
        let failure = try #require(run.failure)
        #expect(failure.operation == .logWrite && failure.errno == number)
        #expect(try #require(failure.offset) % 16_408 == 5_032)
        try Self.expect(run, in: database)
    }

    /// Linux tells of a failed write-back once: the second `fsync` says OK.
    @Test func `a sync that fails once and would succeed then is not tried again`() throws {
        let database = try Self.makeDatabase()
        let run = try Self.run(FaultPlan(.fail(EIO), at: .logSync, number: 2), on: database)
        #expect(run.acknowledged.count == 1)
        #expect(run.failure?.operation == .logSync && run.failure?.offset == nil)
        #expect(database.files.count(of: .logSync) == 4 + 2, "four before the run")
    }

    @Test(arguments: [FileOperation.databaseRead, .databaseWrite, .logRead, .logWrite, .logTruncate])
    func `an interrupted call is repeated`(_ operation: FileOperation) throws {
        let database = try Self.makeDatabase()
        let run = try Self.run(FaultPlan(.fail(EINTR), at: operation), on: database)
        #expect(run.error == nil && run.acknowledged.count == 6)
        try Self.expect(run, in: database)
    }

    @Test func `a write that is cut short and goes on is whole`() throws {
        let database = try Self.makeDatabase()
        for number in 1...6 {
            let plan = FaultPlan(.delay(milliseconds: 1), at: .logWrite, number: number, bytes: number * 777)
            let run = try Self.run(plan, on: database)
            #expect(run.error == nil && run.acknowledged.count == 6)
        }
        let shown = try shell("sqlite3", database.path, "PRAGMA integrity_check; SELECT count(*) FROM t")
        #expect(shown.output == "ok\n37\n")
    }

    @Test func `a plan counts, and hits the files of its folder only`() throws {
        let (database, other) = (try Self.makeDatabase(), try Self.makeDatabase())
        var plan = FaultPlan(.fail(EIO), at: .logWrite)
        plan.folder = other.folder.url.path
        plan.set()
        defer { FaultPlan.clear() }
        let connection = try database.connect()
        try connection.run("INSERT INTO t (v) VALUES ('a')")
        #expect(FaultPlan.seen == 0)
        #expect(throws: SQLiteError.self) { try other.connect().run("INSERT INTO t (v) VALUES ('a')") }
        #expect(FaultPlan.seen == 1)
    }

    @Test func `every operation has a name of its own`() {
        let names = FileOperation.allCases.map(\.description)
        #expect(Set(names).count == 27)
        #expect(names.allSatisfy { FileOperation(name: $0)?.description == $0 })
        #expect(FileOperation(name: "db.fly") == nil)
    }
}
