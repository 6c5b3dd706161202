// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SQLiteDriver
import Testing

@testable import SessionStore

@Suite(.timeLimit(.minutes(1)))
struct AttachmentTests {
    let root: TemporaryRoot

    init() throws { root = try TemporaryRoot() }

    /// The whole of an attachment.
    static func read(_ attachment: StoredAttachment, of leased: borrowing LeasedSession) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < attachment.size { bytes += try leased.bytes(of: attachment, from: bytes.count) }
        return bytes
    }

    @Test(arguments: [
        0, 1, StoredAttachment.partSize - 1, StoredAttachment.partSize, StoredAttachment.partSize + 1,
        3 * StoredAttachment.partSize,
        9 * StoredAttachment.partSize + 12_345,
    ])
    func `what was attached is read by a later lease`(_ size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        var leased = try root.lease()
        try leased.append(turn(1))
        let chunks = stride(from: 0, to: size, by: 70_001).map { Array(bytes[$0..<min(size, $0 + 70_001)]) }
        let attachment = try leased.attach("page.html", chunks)
        #expect(attachment.turn == 1 && attachment.size == size && attachment.time == TemporaryRoot.time)
        #expect(try leased.logSize() <= LeasedSession.checkpointThreshold + 2 * Int64(StoredAttachment.partSize))
        try leased.release()
        let again = try root.lease()
        #expect(try again.attachments() == [attachment])
        #expect(try again.attachment("page.html") == attachment)
        #expect(try Self.read(attachment, of: again) == bytes)
        #expect(try again.entries() == turn(1))
        try again.release()
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    @Test func `a small attachment is one commit`() throws {
        var leased = try root.lease()
        FaultPlan.counting.set()
        try leased.attach("a", [[1, 2, 3]])
        FaultPlan.clear()
        var counting = FaultPlan.counting
        counting.operation = .logSync
        counting.set()
        try leased.attach("b", [[1, 2, 3]])
        FaultPlan.clear()
        #expect(FaultPlan.seen == 1)
        try leased.release()
    }

    @Test func `any range can be read`() throws {
        let size = 2 * StoredAttachment.partSize + 10
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
        var leased = try root.lease()
        let attachment = try leased.attach("a", [bytes])
        let part = StoredAttachment.partSize
        let ranges = [(0, 1), (1, 5), (part - 1, 2), (part, 1), (part + 3, part), (size - 1, 9), (7, Int.max)]
        for (offset, count) in ranges {
            let found = try leased.bytes(of: attachment, from: offset, count: count)
            let end = min(size, (offset / part + 1) * part, count == .max ? size : offset + count)
            #expect(found == Array(bytes[offset..<end]), "\(offset), \(count)")
        }
        for (offset, count) in [(size, 1), (Int.max, Int.max), (-1, 1), (0, 0), (0, -1)] {
            #expect(try leased.bytes(of: attachment, from: offset, count: count).isEmpty)
        }
        try leased.release()
    }

    @Test func `a name that is attached again in the same turn is replaced, and in a later one kept`() throws {
        var leased = try root.lease()
        try leased.attach("a", [[0]])
        try leased.append(turn(1))
        let first = try leased.attach("a", [[1]])
        let again = try leased.attach("a", [[1, 1]])
        try leased.append(turn(2))
        let second = try leased.attach("a", [[2]])
        #expect(try leased.attachments().map(\.turn) == [0, 1, 2])
        #expect(try leased.attachment("a") == second)
        #expect(try leased.attachment("a", throughTurn: 1) == again)
        #expect(try leased.attachment("a", throughTurn: 0)?.size == 1)
        #expect(try leased.attachment("b") == nil)
        #expect(try leased.bytes(of: again) == [1, 1])
        #expect(code { _ = try leased.bytes(of: first) } == .noSuchAttachment)
        try leased.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM attachment_parts") == "3")
    }

    @Test(arguments: ["", String(repeating: "x", count: 257), "a\nb", "a\u{0}"])
    func `a name that is none is refused`(_ name: String) throws {
        var leased = try root.lease()
        #expect(code { try leased.attach(name, [[1]]) } == .invalidName)
        try leased.attach(String(repeating: "x", count: 256), [[1]])
        try leased.release()
    }

    @Test func `attachments and entries may be written by turns`() throws {
        var leased = try root.lease()
        let chunk = [UInt8](repeating: 7, count: 300_000)
        var a = try leased.beginAttachment("a")
        var b = try leased.beginAttachment("b")
        for number in 1...4 {
            try leased.write(chunk, to: &a)
            try leased.append(turn(number))
            try leased.write(chunk, to: &b)
            #expect(try leased.attachments().isEmpty)
        }
        let first = try leased.finish(a)
        #expect(try leased.attachments() == [first])
        let second = try leased.finish(b)
        for attachment in [first, second] {
            #expect(attachment.turn == 0)
            #expect(try Self.read(attachment, of: leased) == Array([chunk, chunk, chunk, chunk].joined()))
        }
        #expect(try leased.entries() == (1...4).flatMap { turn($0) })
        try leased.release()
    }

    @Test func `one byte more than the limit is refused, and the session goes on`() throws {
        let million = [UInt8](repeating: 1, count: 1 << 20)
        var leased = try root.lease()
        var writer = try leased.beginAttachment("a")
        for _ in 0..<64 { try leased.write(million, to: &writer) }
        #expect(writer.size == StoredAttachment.maximumSize)
        for _ in 0..<2 { #expect(code { try leased.write([1], to: &writer) } == .tooLarge) }
        #expect(try leased.connection.query("SELECT 1 FROM attachment_parts") { _ in 1 }.isEmpty)
        do {
            try leased.finish(writer)
            Issue.record("it was finished")
        } catch {
            #expect(error.code == .tooLarge)
        }
        try leased.append(turn(1))
        #expect(try leased.attachments().isEmpty)
        try leased.release()
    }

    @Test func `an attachment that is given up, or begun anew, is not there`() throws {
        let chunk = [UInt8](repeating: 7, count: 2 * StoredAttachment.partSize)
        var leased = try root.lease()
        var writer = try leased.beginAttachment("a")
        try leased.write(chunk, to: &writer)
        try leased.abandon(writer)
        #expect(try leased.connection.query("SELECT 1 FROM attachments") { _ in 1 }.isEmpty)
        var old = try leased.beginAttachment("a")
        try leased.write(chunk, to: &old)
        let new = try leased.attach("a", [[1]])
        #expect(code { try leased.write(chunk, to: &old) } == .noSuchAttachment)
        try leased.release()
        let again = try root.lease()
        #expect(try again.attachments() == [new])
        try again.release()
        #expect(try sqlite3(root.database(), "SELECT count(*) FROM attachment_parts") == "1")
    }

    @Test func `a writer does not outlive its lease`() throws {
        let chunk = [UInt8](repeating: 7, count: 2 * StoredAttachment.partSize)
        var leased = try root.lease()
        var writer = try leased.beginAttachment("a")
        try leased.write(chunk, to: &writer)
        try leased.release()
        var again = try root.lease()
        #expect(try again.attachments().isEmpty)
        #expect(code { try again.write(chunk, to: &writer) } == .released)
        try again.attach("b", [[1]])
        try again.release()
        #expect(try sqlite3(root.database(), "SELECT name FROM attachments") == "b")
    }

    @Test func `a part that is missing is damage`() throws {
        var leased = try root.lease()
        let attachment = try leased.attach("a", [[UInt8](repeating: 7, count: 3 * StoredAttachment.partSize)])
        try leased.release()
        #expect(
            try sqlite3(root.database(), "DELETE FROM attachment_parts WHERE start = \(StoredAttachment.partSize)")
                == "")
        let again = try root.lease()
        #expect(try again.bytes(of: attachment).count == StoredAttachment.partSize)
        #expect(code { _ = try again.bytes(of: attachment, from: StoredAttachment.partSize) } == .damaged)
        #expect(code { _ = try again.archive() } == .damaged)
        try again.release()
    }

    @Test func `what arrives bit by bit is attached as the article says`() async throws {
        var session = try root.lease()
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
        for number in 0..<3 { continuation.yield([UInt8](repeating: UInt8(number), count: 400_000)) }
        continuation.finish()
        var download = stream.makeAsyncIterator()
        var copy: [UInt8] = []

        var writer = try session.beginAttachment("page.html")
        while let chunk = await download.next() { try session.write(chunk, to: &writer) }
        let attachment = try session.finish(writer)

        var offset = 0
        while offset < attachment.size {
            let bytes = try session.bytes(of: attachment, from: offset)
            copy += bytes
            offset += bytes.count
        }

        #expect(copy.count == 1_200_000 && copy.last == 2)
        try session.release()
    }

    // MARK: - Archives

    private func fill() throws -> [UInt8] {
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        var leased = try root.lease("original")
        try leased.append(turn(1), outcome: .completed(reply: "reply 1"))
        try leased.attach("page", [bytes])
        try leased.append(turn(2), outcome: .completed(reply: "reply 2"))
        try leased.attach("page", [[2]])
        try leased.attach("empty", [])
        try leased.release()
        return bytes
    }

    @Test func `archives as JSON Lines have the attachments`() throws {
        let bytes = try fill()
        let leased = try root.lease("original")
        let archive = try leased.archive()
        try leased.release()
        let lines = archive.lines.map(\.description)
        #expect(lines.count { $0.contains(#""table":"attachment"#) } == 3 + 3)
        let again = try SessionArchive(lines: lines.lazy.map { try! JSONValue(parsing: $0.utf8) })
        #expect(again.lines.map(\.description) == lines)
        let other = try TemporaryRoot()
        try other.store.create(SessionID("original"), of: AgentName("agent"), from: again, until: .now)
        let copy = try other.lease("original")
        #expect(try copy.attachments().map(\.name) == ["page", "empty", "page"])
        let (old, new) = (try copy.attachment("page", throughTurn: 1), try copy.attachment("page"))
        #expect(try Self.read(#require(old), of: copy) == bytes)
        #expect(try Self.read(#require(new), of: copy) == [2])
        try copy.release()
        #expect(try sqlite3(other.database("original"), "PRAGMA integrity_check") == "ok")
        for broken in [
            Array(lines.dropLast()), lines + [lines[lines.count - 1]], lines.filter { !$0.contains("size") },
        ] {
            let error = #expect(throws: SessionStoreError.self) {
                try SessionArchive(lines: broken.map { try JSONValue(parsing: $0.utf8) })
            }
            #expect(error?.code == .invalidArchive)
        }
    }

    @Test func `a fork has the attachments up to its turn`() throws {
        let bytes = try fill()
        let (original, agent) = (try SessionID("original"), try AgentName("agent"))
        try root.store.fork(original, of: agent, atTurn: 1, as: SessionID("first"), until: .now)
        let first = try root.lease("first")
        #expect(try first.attachments().map(\.turn) == [1])
        let page = try first.attachment("page")
        #expect(try Self.read(#require(page), of: first) == bytes)
        try first.release()
        try root.store.fork(original, of: agent, as: SessionID("second"), until: .now)
        let second = try root.lease("second")
        #expect(try second.attachments().map(\.size) == [700_000, 0, 1])
        try second.release()
        let error = #expect(throws: SessionStoreError.self) {
            try root.store.fork(original, of: agent, as: original, until: .now)
        }
        #expect(error?.code == .alreadyExists)
    }

    @Test(arguments: 0...7) func `base64 is read back`(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 255 - $0 * 41) }
        #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }

    @Test(arguments: ["a", "ab", "abc", "a===", "ab=c", "=abc", "ab!=", "abc\n", "AB==", "é==", "AA==AA=="])
    func `what is no base64 is refused`(_ text: String) { #expect(Base64.decode(text) == nil) }
}
