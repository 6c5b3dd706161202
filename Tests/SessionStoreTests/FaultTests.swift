// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

/// Errors and kills at each operation of a lease in turn, until a run is untouched.
@Suite(.timeLimit(.minutes(3)), .serialized, .enabled(if: ProcessState.isReadable))
struct FaultTests {
    // MARK: - Errors

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let errno: Int32
        var bytes: Int?
        var testDescription: String { name }
    }

    @Test(
        arguments: [
            Case(name: "EIO", errno: EIO), Case(name: "ENOSPC", errno: ENOSPC), Case(name: "ENOLCK", errno: ENOLCK),
            Case(name: "EIO in the middle of a write", errno: EIO, bytes: 10_000),
        ], [0, 8])
    func `an error anywhere is reported, and the next lease finds what was acknowledged`(
        _ item: Case, warmSessions: Int
    ) throws {
        var operations: Set<String> = []
        var number = 0
        repeat {
            number += 1
            let root = try TemporaryRoot(warmSessions: warmSessions)
            var plan = FaultPlan(.fail(item.errno), number: number, bytes: item.bytes)
            plan.folder = root.store.root
            plan.set()
            let (acknowledged, error) = work(on: root)
            FaultPlan.clear()
            // What fails while a session that is open is locked and looked at is no news: it is opened anew.
            if error == nil { #expect(acknowledged == 3) }
            #expect(try ProcessState.locks(on: root.database()).isEmpty, "operation \(number)")
            #expect(try ProcessState.locks(on: root.database() + "-wal").isEmpty, "operation \(number)")
            #expect(try root.openFiles().isEmpty, "operation \(number)")
            if let error {
                #expect(!error.isRetryable && error.code != .damaged && error.code != .foreignFile, "\(error)")
                if item.errno == ENOSPC { #expect(error.code == .full, "\(error)") }
                operations.insert(error.operation)
            }
            let again = try root.lease()
            let entries = try again.entries()
            // A commit whose sync failed may be there: whether it is was unknown.
            #expect([acknowledged, acknowledged + 1].contains(entries.count / 2), "operation \(number)")
            #expect(entries == (1...3).flatMap { turn($0) }.prefix(entries.count).map { $0 })
            try again.release()
            #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
        } while FaultPlan.seen >= number
        #expect(number > 30)
        // A connection that goes on has in memory what an append reads.
        #expect(operations.isSuperset(of: ["lease", "open", "create", "commit"]))
        if warmSessions == 0 { #expect(operations.contains("append")) }
    }

    /// Creates a session and commits three turns; returns how many were acknowledged.
    private func work(on root: TemporaryRoot) -> (acknowledged: Int, error: SessionStoreError?) {
        var acknowledged = 0
        do throws(SessionStoreError) {
            for round in [1...2, 3...3] {
                var leased = try root.store.lease(
                    SessionID("s"), of: AgentName("agent"), attempt: "attempt", until: .now)
                for number in round {
                    try leased.append(turn(number), outcome: .completed(reply: "reply \(number)"))
                    acknowledged += 1
                }
                try leased.release()
            }
        } catch {
            return (acknowledged, error)
        }
        return (acknowledged, nil)
    }

    @Test func `a dead lease answers nothing, and says which operation failed`() throws {
        let root = try TemporaryRoot()
        try root.fill()
        var leased = try root.lease()
        var plan = FaultPlan(.fail(EIO), at: .logSync)
        plan.folder = root.store.root
        plan.set()
        defer { FaultPlan.clear() }
        for detail in ["wal.sync failed with errno 5", "the session is not leased any more"] {
            do {
                try leased.append(turn(2))
                Issue.record("it was acknowledged")
            } catch {
                #expect(error.detail.contains(detail), "\(error)")
            }
        }
        do {
            _ = try leased.entries()
            Issue.record("it was answered from the cache")
        } catch {
            #expect(error.code == .inputOutput)
        }
        try leased.release()
    }

    @Test func `a session that is locked elsewhere by the plan's word is busy`() throws {
        let root = try TemporaryRoot()
        try root.fill()
        for operation in [FileOperation.lockDatabase, .lockLog] {
            for number in [EAGAIN, EACCES] {
                FaultPlan(.fail(number), at: operation).set()
                #expect(errorOf { try root.lease() }?.code == .busy)
                FaultPlan.clear()
            }
        }
        // The one of a session that is open is no news: it is opened anew.
        FaultPlan(.fail(ENOLCK), at: .lockLog).set()
        try root.lease().release()
        var plan = FaultPlan(.fail(ENOLCK), at: .lockLog)
        plan.times = 2
        plan.set()
        #expect(errorOf { try root.lease() }?.detail.contains("ENOLCK") == true)
        FaultPlan.clear()
        try root.lease().release()
    }

    // MARK: - Kills and stops

    @Test(arguments: ["kill", "kill-after", "kill:3000", "kill:20000"])
    func `a SIGKILL at any operation loses nothing that was acknowledged`(_ action: String) throws {
        let root = try TemporaryRoot()
        var number = 0
        var ended: Int32
        repeat {
            number += 1
            let session = "s\(number)"
            let parts = action.split(separator: ":")
            let torn = parts.count > 1 ? ":\(parts[1])" : ""
            let child = try Child.writer(
                "append", root.path, session, "w", "3", fault: "\(parts[0]):any:\(number)\(torn)")
            let said = try child.lines().count
            ended = child.wait()
            // Or else it would never end.
            try #require(ended == SIGKILL || ended == 0)
            let leased = try root.lease(session)
            let entries = try leased.entries()
            #expect([said, said + 1].contains(entries.count / 2), "operation \(number)")
            #expect(entries.count.isMultiple(of: 2))
            try leased.release()
            #expect(try sqlite3(root.database(session), "PRAGMA integrity_check") == "ok")
        } while ended != 0
        #expect(number > 30)
    }

    @Test(arguments: ["wal.write", "wal.sync", "unlock.wal", "unlock.db"])
    func `a process that is stopped in an operation keeps the session until it goes on`(_ operation: String)
        async throws
    {
        let root = try TemporaryRoot()
        try root.fill()
        let child = try Child.writer("turns", root.path, "s", "w", "1", fault: "stop:\(operation):1")
        try await waitUntil { try child.isStopped }
        #expect(errorOf { try root.lease() }?.code == .busy)
        child.goOn()
        #expect(try child.lines() == ["0"])
        #expect(child.wait() == 0)
        let leased = try root.lease()
        #expect(try leased.entries().count == 4)
        try leased.release()
    }

    // MARK: - Cost

    /// Whether system calls can be counted here.
    static let mayTrace = (try? shell("strace", "-o", "/dev/null", "true").code) == 0

    @Test(.enabled(if: Self.mayTrace))
    func `a commit is one write and one sync of the log`() throws {
        let root = try TemporaryRoot()
        try root.fill()
        let trace = root.path + "/trace"
        let traced = try shell(
            "strace", "-f", "-qq", "-o", trace, "-e", "trace=pwrite64,pwritev,fsync,fdatasync,ftruncate",
            Child.writerPath, "append", root.path, "s", "w", "5")
        #expect(traced.code == 0 && traced.output == "0\n1\n2\n3\n4\n")
        let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map { line in
            line.drop { $0.isNumber || $0 == " " }.prefix { $0 != "(" }
        }
        #expect(calls == Array(repeating: ["pwrite64", "fdatasync"], count: 5).flatMap { $0 })
    }
}
