// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A writer who leaves each of his turns in the inbox if somebody attends to it, and otherwise leases the session, does what
/// is in the inbox, and his own turn behind it.
///
/// It says "posted <writer>/<number>" or "ack <writer>/<number>" for each, after it is durable.
struct Correspondent {
    let store: SessionStore
    let session: SessionID
    let name: String

    func deliver(_ numbers: Range<Int>) throws {
        for number in numbers {
            while try !deliver("\(name)/\(number)") {}
            // Lets the others in.
            usleep(.random(in: 0...3000))
        }
    }

    /// Whether it is durable, in one place or the other.
    private func deliver(_ request: String) throws -> Bool {
        let message = InboxMessage(
            id: request, body: ["text": .init(String(repeating: request, count: .random(in: 1...200)))])
        let agent = try AgentName("agent")
        do throws(SessionStoreError) {
            // Another attempt may have left it with another text.
            if try store.post(message, to: session, of: agent, until: .now.advanced(by: .seconds(30))) {
                StoreWriter.say("posted \(request)")
                return true
            }
        } catch {
            guard error.code == .duplicateRequest || error.code == .inboxFull else { throw error }
            if error.code == .duplicateRequest {
                StoreWriter.say("posted \(request)")
                return true
            }
        }
        var leased: LeasedSession
        do throws(SessionStoreError) {
            leased = try store.lease(session, of: agent, attempt: "writer", until: .now)
        } catch {
            guard error.code == .busy else { throw error }
            return false
        }
        try leased.attendInbox()
        try Self.answerMessages(in: &leased)
        if try leased.request(request) == nil { try Self.answer(message, in: &leased) }
        StoreWriter.say("ack \(request)")
        for _ in 0..<Int.random(in: 0...3) {
            usleep(.random(in: 0...2000))
            if try leased.hasNewMessages() { try Self.answerMessages(in: &leased) }
        }
        var rest: LeasedSession? = leased
        while let held = rest.take() {
            guard var held = try held.releaseUnlessPosted() else { break }
            try Self.answerMessages(in: &held)
            rest = consume held
        }
        return true
    }

    /// Commits what is in the inbox, a turn each.
    static func answerMessages(in leased: inout LeasedSession) throws(SessionStoreError) {
        for message in try leased.takeMessages() { try answer(message, in: &leased) }
        try leased.removeTakenMessages()
    }

    static func answer(_ message: InboxMessage, in leased: inout LeasedSession) throws(SessionStoreError) {
        let turn = try leased.summary().turns + 1
        try leased.append(
            [
                Entry(turn: turn, fact: .input(request: message.id, text: message.body.description)),
                Entry(turn: turn, fact: .reply(ModelReply(text: message.id))),
            ],
            outcome: .completed(reply: message.id)
        )
    }
}
