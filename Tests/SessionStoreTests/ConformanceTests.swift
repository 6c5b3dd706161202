// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import PerdureTesting
import SQLiteDriver
import Testing

@testable import SessionStore

/// `SessionStore` as the conformance suite sees it.
struct StoreOfFiles: ConformingStore {
    let store: SessionStore

    func lease(
        _ session: String, of agent: String, attempt: String, creating: Bool, until deadline: ContinuousClock.Instant
    ) async throws -> any ConformingLease {
        try await LeaseOfFiles { () throws(SessionStoreError) in
            let (session, agent) = (try SessionID(session), try AgentName(agent))
            return try creating
                ? store.lease(session, of: agent, attempt: attempt, until: deadline)
                : store.leaseExisting(session, of: agent, attempt: attempt, until: deadline)
        }
    }

    func erase(_ session: String, of agent: String, until deadline: ContinuousClock.Instant) async throws {
        try store.erase(SessionID(session), of: AgentName(agent), until: deadline)
    }
}

/// A lease on a thread of its own.
actor LeaseOfFiles: ConformingLease {
    private let thread = StorageThread()
    private var session: LeasedSession?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ lease: @Sendable () throws(SessionStoreError) -> LeasedSession) async throws {
        session = try lease()
    }

    var identity: String {
        get throws { try with { (session) throws(SessionStoreError) in session.identity } }
    }

    func entries(after sequence: Int, limit: Int) throws -> [(sequence: Int, entry: Entry)] {
        try with { (session) throws(SessionStoreError) in
            try session.entries(after: sequence, limit: limit).map { ($0.sequence, $0.entry) }
        }
    }

    func tail(_ count: Int) throws -> [(sequence: Int, entry: Entry)] {
        try with { (session) throws(SessionStoreError) in try session.tail(count).map { ($0.sequence, $0.entry) } }
    }

    func request(_ id: String) throws -> (turn: Int, outcome: Outcome?)? {
        try with { (session) throws(SessionStoreError) in try session.request(id).map { ($0.turn, $0.outcome) } }
    }

    func append(_ entries: [Entry], outcome: Outcome?) throws {
        try with { (session) throws(SessionStoreError) in try session.append(entries, outcome: outcome) }
    }

    /// The locks let nobody in, so the epoch is moved through the lease's own connection.
    func loseToAnother() throws -> Bool {
        let moved = try session?.connection.run("UPDATE meta SET epoch = epoch + 1")
        return moved == 1
    }

    func release() throws {
        guard let session = session.take() else { throw SessionStoreError.released(at: "release") }
        try session.release()
    }

    private func with<Result>(
        _ body: (inout LeasedSession) throws(SessionStoreError) -> Result
    ) throws(SessionStoreError) -> Result {
        guard var leased = session.take() else { throw .released(at: "lease") }
        let result: Result
        do throws(SessionStoreError) {
            result = try body(&leased)
        } catch {
            session = consume leased
            throw error
        }
        session = consume leased
        return result
    }
}

@Suite(.timeLimit(.minutes(5)))
struct ConformanceTests {
    let root: TemporaryRoot
    let store: StoreOfFiles

    init() throws {
        root = try TemporaryRoot()
        store = StoreOfFiles(store: root.store)
    }

    @Test(arguments: ConformanceSuite.checks)
    func `the store conforms`(_ check: ConformanceCheck) async throws {
        try await check.run(store)
    }

    @Test func `a correct store in memory conforms`() async throws {
        let store = StoreInMemory()
        for check in ConformanceSuite.checks { try await check.run(store) }
    }

    @Test(arguments: StoreInMemory.Defect.allCases)
    func `a defect is found by the checks that are about it, and by no other`(
        _ defect: StoreInMemory.Defect
    ) async throws {
        var failed: [String] = []
        for check in ConformanceSuite.checks {
            do { try await check.run(StoreInMemory(defect)) } catch { failed.append(check.name) }
        }
        #expect(failed == defect.failures)
    }

    @Test func `each check has a name of its own, and finds some defect`() {
        let names = ConformanceSuite.checks.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(StoreInMemory.Defect.allCases.flatMap(\.failures)) == Set(names))
    }
}
