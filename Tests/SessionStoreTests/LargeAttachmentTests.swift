// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import Testing

@testable import SessionStore

/// Attachments of the largest size, and what befalls them half-way.
@Suite(.timeLimit(.minutes(3)), .serialized, .enabled(if: ProcessState.isReadable))
struct LargeAttachmentTests {
    private func highWaterMark(of child: Child) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber))) << 10
    }

    @Test func `64 MiB are written and read without being in memory`() throws {
        let root = try TemporaryRoot()
        let child = try Child.writer("attach", root.path, "s", "big", "\(StoredAttachment.maximumSize)")
        #expect(try child.line() == "leased")
        let base = try highWaterMark(of: child)
        try child.say("go")
        #expect(try child.line() == "attached")
        #expect(try child.line() == "read")
        let read = try highWaterMark(of: child)
        #expect(read - base < 16 << 20, "\((read - base) >> 10) KiB more than before")
        let log = try FileManager.default.attributesOfItem(atPath: root.database() + "-wal")[.size] as? Int
        #expect(log ?? .max < 6 << 20)
        try child.say("go")
        #expect(child.wait() == 0)
        #expect(try sqlite3(root.database(), "PRAGMA integrity_check") == "ok")
    }

    @Test(arguments: ["kill", "kill-after", "kill:3000"])
    func `a SIGKILL anywhere leaves the attachment whole or invisible`(_ action: String) throws {
        let root = try TemporaryRoot()
        let size = 5 << 20
        var (number, ended, runs) = (1, Int32(0), 0)
        repeat {
            let session = "s\(number)"
            try root.fill(session)
            let parts = action.split(separator: ":")
            let torn = parts.count > 1 ? ":\(parts[1])" : ""
            let child = try Child.writer(
                "attach", root.path, session, "big", "\(size)", fault: "\(parts[0]):any:\(number)\(torn)")
            try child.endInput()
            let said = try child.lines()
            ended = child.wait()
            // Or else it would never end.
            try #require(ended == SIGKILL || ended == 0)
            var leased = try root.lease(session)
            #expect(try leased.entries() == turn(1))
            let found = try leased.attachments()
            #expect(found.map(\.size) == [size] || (found.isEmpty && !said.contains("attached")), "operation \(number)")
            for attachment in found { #expect(try AttachmentTests.read(attachment, of: leased).count == size) }
            let bytes = [UInt8](repeating: 9, count: 600_000)
            let new = try leased.attach("big", [bytes])
            #expect(try leased.attachments() == [new])
            #expect(try AttachmentTests.read(new, of: leased) == bytes)
            try leased.release()
            #expect(
                try sqlite3(
                    root.database(session),
                    "SELECT count(*), sum(length(body)) FROM attachment_parts; PRAGMA integrity_check"
                ) == "2|600000\nok")
            // The checkpoint writes page by page.
            number += max(1, number / 12)
            runs += 1
        } while ended != 0
        #expect(runs > 30)
    }

    @Test func `an error in the middle ends the lease, and the next one begins anew`() throws {
        let root = try TemporaryRoot()
        for operation in [FileOperation.logWrite, .logSync, .databaseWrite, .databaseSync, .logTruncate] {
            let isInCheckpoint = operation != .logWrite && operation != .logSync
            var leased = try root.lease()
            var writer = try leased.beginAttachment("a")
            try leased.write([UInt8](repeating: 7, count: 3 << 20), to: &writer)
            var plan = FaultPlan(.fail(EIO), at: operation)
            plan.folder = root.store.root
            plan.set()
            do {
                try leased.write([UInt8](repeating: 7, count: 3 << 20), to: &writer)
                Issue.record("\(operation) did not fail")
            } catch {
                #expect(error.code == .inputOutput && (error.operation == "checkpoint") == isInCheckpoint, "\(error)")
            }
            FaultPlan.clear()
            do {
                try leased.finish(writer)
                Issue.record("it was finished after \(operation)")
            } catch {
                #expect(error.code == .released)
            }
            try leased.release()
        }
        var again = try root.lease()
        #expect(try again.attachments().isEmpty)
        try again.attach("b", [[1]])
        try again.release()
        #expect(
            try sqlite3(root.database(), "SELECT count(*) FROM attachment_parts; PRAGMA integrity_check") == "1\nok")
    }

    @Test(.enabled("this process may not mount") { Mount.isPermitted })
    func `a full file system keeps what was there, and the attachment is written when there is room`() throws {
        let mount = try Mount(size: "32m")
        let store = try SessionStore(root: mount.path)
        let (session, agent) = (try SessionID("s"), try AgentName("agent"))
        var leased = try store.lease(session, of: agent, attempt: "a", until: .now)
        try leased.append(turn(1))
        let kept = try leased.attach("kept", [[UInt8](repeating: 1, count: 600_000)])
        try leased.release()
        for free in [1 << 20, 3 << 20, 6 << 20] {
            try mount.fill(leaving: free)
            var leased = try store.lease(session, of: agent, attempt: "a", until: .now)
            do {
                try leased.attach("big", (0..<10).lazy.map { [UInt8](repeating: UInt8($0), count: 1 << 20) })
                Issue.record("there was room")
            } catch {
                #expect(error.code == .full, "\(error)")
            }
            // Giving it back may want to shorten the log, for which there is no room either.
            try? leased.release()
            #expect(try ProcessState.descriptors(below: mount.path).isEmpty)
            try mount.makeRoom()
        }
        var again = try store.lease(session, of: agent, attempt: "a", until: .now)
        #expect(try again.attachments() == [kept])
        #expect(try again.entries() == turn(1))
        try again.attach("big", (0..<4).lazy.map { [UInt8](repeating: UInt8($0), count: 1 << 20) })
        try again.release()
        #expect(try sqlite3(store.root + "/agent/04/s/s.db", "PRAGMA integrity_check") == "ok")
    }
}
