// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

/// Processes that die for real, and processes that compete.
@Suite(.timeLimit(.minutes(3)), .serialized)
struct KillTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    @Test func `what was acknowledged before a SIGKILL is there once and in order, 30 times over`() async throws {
        var acknowledged = 0
        for round in 0..<30 {
            let child = try Child.writer("append", root.path, "s", "w", "1000000")
            var last = try child.line().flatMap { Int($0) }
            #expect(last == acknowledged, "round \(round) goes on where the log ends")
            try await Task.sleep(for: .microseconds(Int.random(in: 0...40_000)))
            child.kill()
            for line in try child.lines() {
                #expect(Int(line) == last.map { $0 + 1 })
                last = Int(line)
            }
            #expect(child.wait() == SIGKILL)
            let count = try numberOfWholeCommits()
            // One more may be durable and not yet said.
            let said = (last ?? -1) + 1
            #expect(count == said || count == said + 1, "round \(round)")
            acknowledged = count
            // The shell copies the log into the database: every other round goes on with the log as it is.
            if round.isMultiple(of: 2) {
                #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
            }
        }
        #expect(acknowledged > 60)
    }

    @Test func `a process that is killed while it creates a session does not spoil it`() async throws {
        for round in 0..<30 {
            let session = "s\(round)"
            let child = try Child.writer("append", root.path, session, "w", "1000000")
            try await Task.sleep(for: .microseconds(Int.random(in: 2_000...60_000)))
            child.kill()
            let said = try child.lines().count
            #expect(child.wait() == SIGKILL)
            let count = try numberOfWholeCommits(session)
            #expect(count == said || count == said + 1, "round \(round)")
            #expect(try sqlite3(root.database(session), "PRAGMA integrity_check") == "ok")
        }
    }

    @Test func `two processes in turns on one session lose, double and mix nothing`() async throws {
        let children = try ["a", "b"].map { try Child.writer("turns", root.path, "s", $0, "100") }
        let lines = try await withThrowingTaskGroup(of: [String].self) { group in
            for child in children {
                nonisolated(unsafe) let child = child
                group.addTask { try await onThread { try child.lines() } }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(lines == Array(repeating: (0..<100).map { "\($0)" }, count: 2))
        #expect(children.map { $0.wait() } == [0, 0])
        let leased = try root.lease()
        let entries = try leased.entries()
        try leased.release()
        #expect(entries.map(\.turn) == (1...200).flatMap { [$0, $0] })
        let writers = try requests(in: entries)
        for writer in ["a", "b"] {
            #expect(writers.filter { $0.hasPrefix(writer) } == (0..<100).map { "\(writer)/\($0)" })
        }
        let changes = zip(writers, writers.dropFirst()).count { $0.prefix(1) != $1.prefix(1) }
        #expect(changes > 10, "they hardly competed")
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check; SELECT epoch FROM meta") == "ok\n200")
    }

    /// Checks that the log holds the commits 0, 1, 2, … of one writer, and returns their number.
    private func numberOfWholeCommits(_ session: String = "s") throws -> Int {
        let leased = try root.lease(session, waiting: .seconds(10))
        let found = try requests(in: leased.entries())
        #expect(found == (0..<found.count).map { "w/\($0)" })
        for request in found { #expect(try leased.request(request)?.outcome == .completed(reply: request)) }
        try leased.release()
        return found.count
    }

    /// The requests in the log; each input has to be followed by its own reply.
    private func requests(in entries: [Entry]) throws -> [String] {
        try #require(entries.count.isMultiple(of: 2))
        return try stride(from: 0, to: entries.count, by: 2).map { index in
            guard case .input(let request, let text) = entries[index].fact,
                case .reply(let reply) = entries[index + 1].fact
            else { throw Mixed() }
            let number = try #require(request.split(separator: "/").last.flatMap { Int($0) })
            #expect(reply.text == request && text.utf8.count == number * 7919 % 40_000)
            #expect(entries[index].turn == entries[index + 1].turn)
            return request
        }
    }

    struct Mixed: Error {}
}
