// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(2))) struct LiveTextTests {
    let root: TemporaryRoot
    let session: SessionID
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot()
        session = try SessionID("s")
        agent = try AgentName("agent")
    }

    private func writer(_ subject: String = "1") -> LiveTextWriter {
        root.store.liveTextWriter(of: session, of: agent, subject: Array(subject.utf8))
    }

    private func read() -> LiveText? { root.store.liveText(of: session, of: agent) }

    private func lines() -> [String] { read()?.lines.map { String(decoding: $0, as: UTF8.self) } ?? [] }

    /// Waits until that many lines can be read, up to half a minute.
    private func wait(for count: Int) async throws {
        let limit = ContinuousClock.now.advanced(by: .seconds(30))
        while lines().count < count {
            try #require(ContinuousClock.now < limit)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func `lines are seen while the session is leased, and the file is gone when they end`() async throws {
        var leased = try root.lease()
        try leased.append(turn(1))
        let writer = writer()
        writer.append(Array("one".utf8))
        writer.append(Array("two".utf8))
        try await wait(for: 2)
        let first = try #require(read())
        writer.append(Array("three".utf8))
        try await wait(for: 3)
        #expect(lines() == ["one", "two", "three"])
        #expect(read()?.token == first.token && first.subject == Array("1".utf8))
        await writer.end()
        #expect(read() == nil)
        writer.append(Array("late".utf8))
        await writer.end()
        #expect(read() == nil)
        try leased.release()
        #expect(try root.store.verify(session, of: agent).findings.isEmpty)
    }

    @Test func `a writer that comes back after another one has begun writes where nobody reads`() async throws {
        try root.lease().release()
        let (frozen, next) = (writer("1"), writer("2"))
        frozen.append(Array("old".utf8))
        try await wait(for: 1)
        next.append(Array("new".utf8))
        while read()?.subject != Array("2".utf8) { try await Task.sleep(for: .milliseconds(5)) }
        frozen.append(Array("late".utf8))
        await frozen.end()
        #expect(lines() == ["new"])
        await next.end()
        #expect(read() == nil)
    }

    @Test func `what a crash left is replaced, and leaves with the session`() async throws {
        try root.lease().release()
        let path = try root.folder() + "/s.db-live"
        try Data("token 1\nleft\n".utf8).write(to: URL(filePath: path))
        #expect(lines() == ["left"])
        #expect(try root.store.sessions().readable.map(\.session) == ["s"])
        try root.store.erase(session, of: agent, until: .now)
        #expect(!FileManager.default.fileExists(atPath: path))
        try root.lease().release()
        try Data("token 1\nleft\n".utf8).write(to: URL(filePath: path))
        let short = writer("2")
        short.append(Array("never written".utf8))
        await short.end()
        #expect(read() == nil)
    }

    struct Sample: Sendable {
        var file: String
        var lines: [String]?
    }

    @Test(
        arguments: [
            Sample(file: "", lines: nil), Sample(file: "tok", lines: nil), Sample(file: "token 1", lines: nil),
            Sample(file: "token\n", lines: nil), Sample(file: "token 1\n", lines: []),
            Sample(file: "token 1\none\ntw", lines: ["one"]),
            Sample(file: "token 1\none\ntwo\n", lines: ["one", "two"]),
            // A part that has not arrived.
            Sample(file: "token 1\none\nt\u{0}\u{0}\nthree\n", lines: ["one"]),
            Sample(file: "\u{0}\u{0}\u{0}\none\n", lines: nil),
        ])
    func `only what has arrived whole is read`(sample: Sample) {
        let read = LiveText(Array(sample.file.utf8))?.lines.map { String(decoding: $0, as: UTF8.self) }
        #expect(read == sample.lines)
    }

    @Test func `more than fits is left out`() async throws {
        try root.lease().release()
        let writer = writer()
        writer.append(Array("one".utf8))
        try await wait(for: 1)
        writer.append([UInt8](repeating: UInt8(ascii: "x"), count: LiveTextWriter.maximumLength))
        writer.append(Array("two".utf8))
        await writer.end()
        #expect(read() == nil)
    }
}
