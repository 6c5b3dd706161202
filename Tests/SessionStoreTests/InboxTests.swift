// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import SQLiteDriver
import Testing

@testable import SessionStore

@Suite(.serialized, .timeLimit(.minutes(2)))
struct InboxTests {
    let root: TemporaryRoot
    let agent: AgentName
    let session: SessionID

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
        session = try SessionID("s")
    }

    var inbox: String { get throws { try root.folder() + "/s.db-inbox" } }

    var size: Int { get throws { try Data(contentsOf: URL(fileURLWithPath: inbox)).count } }

    func message(_ id: String, _ text: String = "text") -> InboxMessage {
        InboxMessage(id: id, body: ["text": .init(text)])
    }

    func post(_ message: InboxMessage) throws -> Bool {
        try root.store.post(message, to: session, of: agent, until: .now.advanced(by: .seconds(20)))
    }

    func attend() throws -> LeasedSession {
        var leased = try root.lease(waiting: .seconds(20))
        try leased.attendInbox()
        return leased
    }

    /// What the next one who attends finds.
    func messagesOfNextLease() throws -> [InboxMessage] {
        var leased = try attend()
        let messages = try leased.takeMessages()
        try leased.removeTakenMessages()
        #expect(try ends(leased))
        return messages
    }

    /// Whether a lease ends, as nothing is in the inbox.
    func ends(_ leased: consuming LeasedSession) throws -> Bool {
        guard let kept = try leased.releaseUnlessPosted() else { return true }
        try kept.release()
        return false
    }

    func failure(ofEnding leased: consuming LeasedSession) -> SessionStoreError? {
        do {
            _ = try ends(leased)
            return nil
        } catch {
            return error as? SessionStoreError
        }
    }

    /// The lease that does not end, as something is in the inbox.
    func keeps(_ leased: consuming LeasedSession) throws -> LeasedSession {
        guard let kept = try leased.releaseUnlessPosted() else { throw Ended() }
        return kept
    }

    struct Ended: Error {}

    func answer(_ messages: [InboxMessage], in leased: inout LeasedSession) throws {
        for message in messages {
            let number = try leased.summary().turns + 1
            try leased.append(turn(number, request: message.id), outcome: .completed(reply: "reply \(number)"))
        }
    }

    @Test func `nothing is left where nobody would look`() throws {
        #expect(try !post(message("a")))
        try root.fill()
        #expect(try !post(message("a")))
        let leased = try root.lease()
        #expect(try !post(message("a")))
        try leased.release()
        #expect(try messagesOfNextLease() == [])
    }

    @Test func `the holder sees messages in their order`() throws {
        var leased = try attend()
        #expect(try !leased.hasNewMessages())
        #expect(try post(message("a", "first\n\u{1F600}")))
        #expect(try leased.hasNewMessages())
        #expect(try post(message("b")))
        #expect(try leased.takeMessages() == [message("a", "first\n\u{1F600}"), message("b")])
        #expect(try !leased.hasNewMessages())
        #expect(try post(message("c")))
        #expect(try leased.hasNewMessages())
        #expect(try leased.takeMessages() == [message("c")])
        try leased.removeTakenMessages()
        #expect(try size == 0)
        #expect(try ends(leased))
        #expect(try !post(message("d")))
    }

    @Test func `a message that came in last keeps the lease`() throws {
        var leased = try attend()
        #expect(try post(message("a")))
        var again = try keeps(leased)
        #expect(try again.takeMessages() == [message("a")])
        // Taken, and not in the log yet.
        leased = try keeps(again)
        try answer([message("a")], in: &leased)
        try leased.removeTakenMessages()
        #expect(try ends(leased))
        #expect(try root.lease().request("a") != nil)
        #expect(try size == 0)
    }

    @Test func `messages that come in between a look and its end stay`() throws {
        var leased = try attend()
        #expect(try post(message("a")))
        try answer(leased.takeMessages(), in: &leased)
        #expect(try post(message("b")))
        try leased.removeTakenMessages()
        #expect(try leased.hasNewMessages())
        #expect(try leased.takeMessages() == [message("b")])
        try answer([message("b")], in: &leased)
        try leased.removeTakenMessages()
        #expect(try size == 0)
        #expect(try ends(leased))
    }

    @Test func `the same message twice is one`() throws {
        var leased = try attend()
        #expect(try post(message("a")))
        #expect(try post(message("a")))
        #expect(throws: SessionStoreError.self) { try post(message("a", "another text")) }
        #expect(code { _ = try post(message("a", "another text")) } == .duplicateRequest)
        #expect(try leased.takeMessages() == [message("a")])
        try answer([message("a")], in: &leased)
        // The caller asks again, as he has had no answer.
        #expect(try post(message("a")))
        #expect(try leased.takeMessages() == [])
        try leased.removeTakenMessages()
        #expect(try post(message("a")))
        #expect(try leased.hasNewMessages())
        #expect(try leased.takeMessages() == [])
        #expect(try ends(leased))
        #expect(try size == 0)
        #expect(try root.lease().summary().turns == 1)
    }

    @Test func `two spellings of one character are two messages`() throws {
        let messages = [message("\u{E9}"), message("e\u{301}")]
        var leased = try attend()
        for message in messages { #expect(try post(message)) }
        let taken = try leased.takeMessages()
        #expect(taken.map { Array($0.id.utf8) } == messages.map { Array($0.id.utf8) })
        try answer(taken, in: &leased)
        try leased.removeTakenMessages()
        #expect(try ends(leased))
    }

    @Test func `what a lease left is for the next one who attends`() throws {
        let leased = try attend()
        #expect(try post(message("a")))
        try leased.release()
        // One who does not attend changes nothing.
        try root.fill()
        #expect(try messagesOfNextLease() == [message("a")])
        #expect(try messagesOfNextLease() == [])
    }

    @Test func `a removal that was cut off does nothing twice`() throws {
        var leased = try attend()
        #expect(try post(message("a")) && post(message("b")))
        try answer(Array(leased.takeMessages().prefix(1)), in: &leased)
        try leased.release()
        #expect(try messagesOfNextLease() == [message("b")])
    }

    @Test func `a holder whose lease was lost removes nothing that he has not seen`() throws {
        var leased = try attend()
        #expect(try post(message("a")))
        try answer(leased.takeMessages(), in: &leased)
        // Another one has emptied it, and as many bytes came in.
        let other = try message("b").record()
        try Data(other).write(to: URL(fileURLWithPath: inbox))
        #expect(try size == message("a").record().count)
        try leased.removeTakenMessages()
        let kept = try keeps(leased)
        try kept.release()
        #expect(try messagesOfNextLease() == [message("b")])
    }

    @Test func `an inbox that is full says when to come back`() throws {
        var leased = try attend()
        for number in 0..<InboxMessage.maximumCount { #expect(try post(message("\(number)"))) }
        let error = try #require(throws: SessionStoreError.self) { try post(message("one more")) }
        #expect(error.code == .inboxFull && error.isRetryable && error.retryAfter != nil)
        // The same again is no other.
        #expect(try post(message("5")))
        #expect(try leased.takeMessages().count == InboxMessage.maximumCount)
        try leased.removeTakenMessages()
        #expect(try post(message("one more")))
        try leased.release()
    }

    @Test func `a message is as large as a text that has to be escaped, and not larger`() throws {
        let leased = try attend()
        let large = String(repeating: "\u{1}", count: 1 << 20)
        #expect(try post(message("large", large)))
        // There is room for 8 MiB, and 6 are taken.
        #expect(code { _ = try post(message("larger", String(large.prefix(500_000)))) } == .inboxFull)
        #expect(code { _ = try post(message("too large", large + large)) } == .tooLarge)
        try leased.release()
        let found = try messagesOfNextLease()
        #expect(found.map(\.id) == ["large"] && found[0].body["text"]?.string == large)
    }

    @Test func `the lock of another process is waited for`() throws {
        let leased = try attend()
        let bytes = InboxFile.lockBytes
        let other = try Child.locking(inbox, bytes)
        #expect(try other.line() == "locked")
        let error = try #require(throws: SessionStoreError.self) {
            try root.store.post(message("a"), to: session, of: agent, until: .now.advanced(by: .milliseconds(100)))
        }
        #expect(error.code == .busy && error.isRetryable)
        other.kill()
        #expect(try post(message("a")))
        let kept = try keeps(leased)
        try kept.release()
    }

    @Test func `a frozen poster does not keep the session`() throws {
        let leased = try attend()
        let other = try Child.locking(inbox, InboxFile.lockBytes)
        #expect(try other.line() == "locked")
        #expect(failure(ofEnding: leased)?.code == .busy)
        #expect(try root.lease().summary().turns == 0)
        other.kill()
    }

    @Test func `another process attends, and is left messages until it is killed`() throws {
        try root.fill()
        let holder = try Child.writer("attend", root.path, "s")
        #expect(try holder.line() == "attending")
        #expect(try post(message("a")))
        #expect(errorOf { try root.lease() }?.code == .busy)
        holder.kill()
        _ = holder.wait()
        #expect(try !post(message("b")))
        #expect(try messagesOfNextLease() == [message("a")])
    }

    @Test func `another process leaves a message for this one`() throws {
        var leased = try attend()
        #expect(try Child.writer("post", root.path, "s", "a").line() == "true")
        #expect(try leased.hasNewMessages())
        #expect(try leased.takeMessages().map(\.id) == ["a"])
        try leased.release()
        #expect(try Child.writer("post", root.path, "s", "b").line() == "false")
    }

    @Test func `a session in the making has an inbox`() throws {
        let holder = try Child.writer("attend", root.path, "s")
        #expect(try holder.line() == "attending")
        #expect(try post(message("a")))
        try holder.endInput()
        #expect(try holder.line() == "posted")
        _ = holder.wait()
        #expect(try messagesOfNextLease() == [message("a")])
    }

    @Test func `nothing stays open or locked`() throws {
        try root.fill()
        var leased = try attend()
        for number in 0..<20 { #expect(try post(message("\(number)"))) }
        #expect(try root.openFiles().filter { $0.hasSuffix("-inbox") }.count == 1)
        _ = try leased.takeMessages()
        try leased.release()
        #expect(try root.openFiles() == [])
        #expect(try ProcessState.locks(on: inbox) == [])
    }

    @Test func `who begins to attend is told what was there before, and not what comes then`() throws {
        var leased = try root.lease()
        #expect(try !leased.attendInbox())
        #expect(try post(message("a")))
        #expect(try !leased.attendInbox())
        try leased.release()
        leased = try root.lease(waiting: .seconds(10))
        #expect(try leased.attendInbox())
        try leased.release()
    }

    @Test func `an attendance that has ended takes nothing from the next one`() throws {
        try root.fill()
        let file = try #require(try InboxFile.open(in: root.folder()))
        var first = try file.attend(until: .now)
        try first?.end()
        let second = try file.attend(until: .now)
        first = nil
        #expect(try file.isAttended())
        try second?.end()
        #expect(try !file.isAttended())
    }
}
