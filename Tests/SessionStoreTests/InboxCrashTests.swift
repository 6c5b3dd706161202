// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SQLiteDriver
import Synchronization
import Testing

@testable import SessionStore

/// What is left of an inbox when somebody is killed, or the file system is full.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct InboxCrashTests {
    let root: TemporaryRoot
    let agent: AgentName
    let session: SessionID

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
        session = try SessionID("s")
    }

    var inbox: String { get throws { try root.folder() + "/s.db-inbox" } }

    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: inbox)) }

    func message(_ id: String) -> InboxMessage { InboxMessage(id: id, body: ["text": "a text of that message"]) }

    func post(_ message: InboxMessage) throws -> Bool {
        try root.store.post(message, to: session, of: agent, until: .now.advanced(by: .seconds(20)))
    }

    @Test func `a message that was cut off at any byte is passed over, and the next one stands in its place`() throws {
        try root.fill()
        let (first, torn, next) = (message("first"), message("torn"), message("next"))
        let (before, record) = (try first.record(), try torn.record())
        for length in record.indices {
            try write(before + record[..<length])
            var leased = try root.lease(waiting: .seconds(10))
            #expect(try leased.attendInbox())
            #expect(try post(next))
            #expect(try leased.takeMessages() == [first, next], "\(length) bytes")
            try leased.removeTakenMessages()
            #expect(try Data(contentsOf: URL(fileURLWithPath: inbox)).isEmpty)
            try leased.release()
        }
    }

    @Test func `what a crash has left is no news for long`() throws {
        try root.fill()
        let torn = try message("torn").record()
        for length in 1..<torn.count {
            try write(Array(torn[..<length]))
            var leased = try root.lease(waiting: .seconds(10))
            try leased.attendInbox()
            #expect(try leased.hasNewMessages())
            #expect(try leased.takeMessages() == [])
            #expect(try !leased.hasNewMessages())
            try leased.release()
        }
    }

    @Test(arguments: [0x00, 0x0A, 0x20, 0x7D, 0xFF] as [UInt8])
    func `a byte that is another one makes no other message`(_ byte: UInt8) throws {
        let (first, next) = (message("first"), message("next"))
        let (before, record, after) = (try first.record(), try message("damaged").record(), try next.record())
        for place in record.indices where record[place] != byte {
            var damaged = record
            damaged[place] = byte
            let contents = InboxContents(before + damaged + after)
            let isLast = place == record.count - 1
            // Without the end of its line it takes the next one along.
            #expect(contents.messages == (isLast ? [first] : [first, next]), "byte \(place)")
            #expect(contents.count - contents.messages.count == (isLast ? 0 : byte == 0x0A ? 2 : 1))
            #expect(InboxContents(before + damaged).messages == [first])
            #expect(InboxContents(before + damaged).end == before.count)
        }
    }

    @Test func `the end of a message that never reached the disk is zeros, and none`() throws {
        let first = message("first")
        let (before, record) = (try first.record(), try message("lost").record())
        for length in 0..<record.count {
            let bytes = before + record[..<length] + [UInt8](repeating: 0, count: record.count - length)
            #expect(InboxContents(bytes).messages == [first])
            #expect(InboxContents(bytes).end == before.count)
        }
    }

    @Test(.enabled(if: Mount.isPermitted))
    func `a full file system refuses a message and keeps those before it`() throws {
        let mount = try Mount(size: "1m")
        let store = try SessionStore(root: mount.path + "/root", warmSessions: 0)
        let post = { (message: InboxMessage) in
            try store.post(message, to: session, of: agent, until: .now.advanced(by: .seconds(20)))
        }
        var leased = try store.lease(session, of: agent, attempt: "a", until: .now)
        try leased.attendInbox()
        #expect(try post(message("first")))
        try mount.fill(leaving: 8192)
        let large = InboxMessage(id: "large", body: .init(String(repeating: "x", count: 100_000)))
        #expect(code { _ = try post(large) } == .full)
        #expect(try leased.takeMessages() == [message("first")])
        try mount.makeRoom()
        #expect(try post(large))
        #expect(try leased.takeMessages() == [large])
        try leased.release()
    }

    static let operations: [FileOperation] = [
        .inboxOpen, .inboxLock, .inboxSize, .inboxRead, .inboxWrite, .inboxSync, .inboxTruncate, .inboxUnlock,
    ]

    @Test(arguments: operations)
    func `a failing operation is an error, and the same message again is one`(_ operation: FileOperation) throws {
        var holder = try root.lease(waiting: .seconds(10))
        try holder.attendInbox()
        #expect(try post(message("first")))
        // What is behind the first message is cut, which is one of the operations.
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: inbox))
        try file.seekToEnd()
        // Closed by another process' end in real life: this one has locks on it.
        let bytes = Array("rest".utf8)
        #expect(bytes.withUnsafeBytes { Foundation.write(file.fileDescriptor, $0.baseAddress, $0.count) } == 4)
        FaultPlan(.fail(EIO), at: operation).set()
        let failure = code { _ = try post(message("second")) }
        let seen = FaultPlan.seen
        FaultPlan.clear()
        // The file is open already.
        #expect(failure == (seen == 0 ? nil : .inputOutput))
        #expect(seen > 0 || operation == .inboxOpen)
        #expect(try post(message("second")))
        #expect(try holder.takeMessages() == [message("first"), message("second")])
        try holder.removeTakenMessages()
        try holder.release()
        try file.close()
    }

    /// A thread that has one correspondent at work after the other, each of which may be killed.
    private func deliver(_ name: String, _ count: Int, plans: [String], _ told: borrowing Mutex<[String]>) throws {
        var next = 0
        while next < count {
            let child = try Child.writer(
                "deliver", root.path, "s", name, "\(next)", "\(count)", fault: plans.randomElement())
            while let line = try child.line() {
                let words = line.split(separator: " ").map(String.init)
                #expect(["posted", "ack"].contains(words[0]))
                told.withLock { $0.append(words[1]) }
                next += 1
            }
            let code = child.wait()
            #expect(code == 0 || !plans.isEmpty && code == SIGKILL, "\(name) ended with \(code)")
        }
    }

    /// Three who leave messages for each other: all requests in the order of the log.
    private func exchange(_ count: Int, plans: [String]) async throws -> [String] {
        let told = Mutex<[String]>([])
        let results = Mutex<[any Error]>([])
        let names = ["a", "b", "c"]
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let left = Mutex(names.count)
            for name in names {
                Thread.detachNewThread {
                    do { try deliver(name, count, plans: plans, told) } catch { results.withLock { $0.append(error) } }
                    if left.withLock({
                        $0 -= 1
                        return $0 == 0
                    }) {
                        done.resume()
                    }
                }
            }
        }
        for error in results.withLock({ $0 }) { throw error }
        return told.withLock { $0 }
    }

    private func judge(_ told: [String]) throws {
        let leased = try root.lease(waiting: .seconds(10))
        let found = try leased.entries().compactMap { entry in
            if case .input(let request, _) = entry.fact { request } else { nil }
        }
        try leased.release()
        #expect(found.count == Set(found).count, "nothing is there twice")
        #expect(Set(told).subtracting(found).isEmpty, "nothing acknowledged is lost")
        for name in ["a", "b", "c"] {
            let numbers = found.filter { $0.hasPrefix(name + "/") }.compactMap { Int($0.dropFirst(2)) }
            #expect(numbers == numbers.sorted(), "the order of \(name)")
        }
    }

    @Test func `nothing is stranded when messages meet the end of a lease`() async throws {
        try root.fill()
        let told = try await exchange(150, plans: [])
        #expect(Set(told).count == 450)
        // Nobody has looked since the last one ended.
        #expect(try Data(contentsOf: URL(fileURLWithPath: inbox)).isEmpty)
        try judge(told)
    }

    @Test func `every acknowledged message is in the log once, whoever is killed`() async throws {
        try root.fill()
        let names = Self.operations.map(\.description) + ["wal.write", "wal.sync", "unlock.db", "lock.wal", "dir.sync"]
        let plans = names.flatMap { name in
            [1, 2, 3, 5, 8, 13].flatMap { ["kill:\(name):\($0)", "kill-after:\(name):\($0)"] }
        }
        let told = try await exchange(60, plans: plans)
        var leased = try root.lease(waiting: .seconds(10))
        try leased.attendInbox()
        for message in try leased.takeMessages() {
            let number = try leased.summary().turns + 1
            try leased.append(turn(number, request: message.id), outcome: .completed(reply: "reply \(number)"))
        }
        try leased.removeTakenMessages()
        #expect(try !leased.hasNewMessages())
        try leased.release()
        try judge(told)
    }
}
