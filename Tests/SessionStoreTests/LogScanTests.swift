// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

/// Commits that SQLite passes over without a word.
@Suite(.timeLimit(.minutes(1)))
struct LogScanTests {
    let root: TemporaryRoot
    /// The size of the log after each commit.
    let ends: [Int]

    init() throws {
        root = try TemporaryRoot()
        var leased = try root.lease()
        var ends: [Int] = []
        for number in 1...4 {
            try leased.append(turn(number), outcome: .completed(reply: "reply \(number)"))
            ends.append(try Int(leased.logSize()))
        }
        try leased.release()
        self.ends = ends
    }

    func report() throws -> SessionReport {
        try root.store.verify(SessionID("s"), of: AgentName("agent"))
    }

    func flip(_ offset: Int) throws {
        let log = try root.database() + "-wal"
        let byte = try #require(FileManager.default.contents(atPath: log))[offset]
        try overwrite(log, at: UInt64(offset), with: Data([byte ^ 1]))
    }

    @Test func `a whole log is read to its end`() throws {
        let report = try report()
        #expect(report.isSound, "\(report.findings)")
        #expect(report.turns == 4)
    }

    @Test(arguments: [0, 9, 17, 28, 33, 50, 100, 4_000])
    func `a byte that changed before other commits is found`(offset: Int) throws {
        try flip(offset)
        let report = try report()
        #expect(report.findings.map(\.kind) == [.brokenLog], "\(report.findings)")
        #expect(report.isDamaged)
        #expect(report.turns == 0)
    }

    @Test func `so is one between two commits`() throws {
        try flip(ends[1] + 30)
        let report = try report()
        #expect(report.findings.map(\.kind) == [.brokenLog])
        #expect(report.findings.first?.detail.contains("from byte \(ends[1]) on, and 2 commits") == true)
        #expect(report.turns == 2)
    }

    @Test(arguments: [0, 1, 24, 4_000])
    func `a last commit that a crash cut off is none`(count: Int) throws {
        let log = try root.database() + "-wal"
        #expect(truncate(log, ends[2] + count) == 0)
        #expect(try report().isSound)
        #expect(try report().turns == 3)
    }

    @Test func `a last commit whose bytes reached the disk out of order is none`() throws {
        try flip(ends[2] + 30)
        #expect(try report().isSound)
        #expect(try report().turns == 3)
    }

    @Test func `noise is none`() throws {
        let log = try root.database() + "-wal"
        try write(Data((0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 73) }), to: log)
        let report = try report()
        #expect(report.isSound, "\(report.findings)")
    }
}
