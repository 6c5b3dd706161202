// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SessionStore
import Synchronization

/// What comes in for a session while this invocation holds it.
///
/// Where the policy is to queue, the holder attends to the session's inbox for the whole of its lease. Otherwise there are only
/// requests to call the turn off, and he begins to attend after a second, so that short turns cost nothing.
final class Mailbox: Sendable {
    private struct State {
        var isAttending = false
        /// Whether it could not be attended to, which only the policy would need.
        var hasGivenUp = false
        /// In the order in which they came.
        var messages: [AgentRequest] = []
        var cancellation: Event?
        /// Whether something was taken out of the inbox and is to be removed from it.
        var hasTaken = false
    }

    private let lane: SessionLane
    private let session: SessionID
    private let policy: BusyPolicy
    private let begin = ContinuousClock.now
    private let state = Mutex(State())

    /// How often the inbox is looked at while a step runs.
    static let interval = Duration.seconds(1)

    init(_ lane: SessionLane, of session: SessionID, policy: BusyPolicy) {
        self.lane = lane
        self.session = session
        self.policy = policy
    }

    var isAttending: Bool { state.withLock { $0.isAttending } }

    /// Whether the turn was asked to be called off.
    var isCalledOff: Bool { cancellation != nil }

    // MARK: - Looking

    /// Begins to attend, if that is to be from the beginning on: by the policy, or where a turn was interrupted or waits, for
    /// which there may be messages.
    func open(isUnderWay: Bool) async throws(SessionStoreError) {
        if case .queue = policy {
            try await attend(isUnderWay: isUnderWay)
        } else if isUnderWay {
            try await attendIfPossible(isUnderWay: true)
        }
    }

    private func attendIfPossible(isUnderWay: Bool) async throws(SessionStoreError) {
        do {
            try await attend(isUnderWay: isUnderWay)
        } catch {
            // The turn does without: the file system may have no lock left for a third file of a session.
            state.withLock { $0.hasGivenUp = !$0.isAttending }
            if isAttending { throw error }
        }
    }

    private func attend(isUnderWay: Bool) async throws(SessionStoreError) {
        let hasLeft = try await lane.attendInbox()
        state.withLock { $0.isAttending = true }
        try await take()
        // It was meant for an earlier holder, and for the turn that he left, which is over.
        if hasLeft, !isUnderWay { dropCancellation() }
    }

    /// Looks for messages: one GETATTR over NFS where there are none.
    func look() async throws(SessionStoreError) {
        if isAttending {
            try await take()
        } else if begin.duration(to: .now) >= Self.interval, !state.withLock({ $0.hasGivenUp }) {
            try await attendIfPossible(isUnderWay: false)
        }
    }

    private func take() async throws(SessionStoreError) {
        let messages: [InboxMessage]
        do {
            messages = try await lane.newMessages { forgetCommitted() }
        } catch  where error.code == .busy {
            // Somebody is frozen while he leaves a message. The others are there the next time.
            return
        }
        for message in messages {
            let request = AgentRequest(message, session: session)
            state.withLock { state in
                state.hasTaken = true
                guard let request else { return }
                if case .cancel(let reason) = request.content {
                    state.cancellation = state.cancellation ?? .cancel(request: request.id, reason: reason)
                } else {
                    state.messages.append(request)
                }
            }
        }
    }

    /// Whether all that was taken before is in the log. Nothing is taken between this and its removal.
    private func forgetCommitted() -> Bool {
        state.withLock { state in
            guard state.hasTaken, state.messages.isEmpty, state.cancellation == nil else { return false }
            state.hasTaken = false
            return true
        }
    }

    /// Looks again and again, until the turn is called off or the task is cancelled. True in the first case.
    func watch() async -> Bool {
        while !Task.isCancelled {
            let next = max(begin.advanced(by: Self.interval), .now.advanced(by: isAttending ? Self.interval : .zero))
            try? await Task.sleep(until: next, clock: .continuous)
            if Task.isCancelled { break }
            // If it fails, so will the commit of what is being waited for.
            do { try await look() } catch { return false }
            if isCalledOff { return true }
            if state.withLock({ $0.hasGivenUp }) { return false }
        }
        return false
    }

    // MARK: - What came in

    /// What calls the turn off, if somebody has asked for it.
    var cancellation: Event? { state.withLock(\.cancellation) }

    /// It is on record, or there is no turn that it could be for.
    func dropCancellation() { state.withLock { $0.cancellation = nil } }

    /// The next message that joins the turn which is under way.
    func takeSteering() async throws(SessionStoreError) -> AgentRequest? {
        policy == .queue(.atNextStep) ? try await takeNext() : nil
    }

    /// The next message. It counts as committed when the inbox is looked at the next time.
    func takeNext() async throws(SessionStoreError) -> AgentRequest? {
        while let next = state.withLock({ $0.messages.isEmpty ? nil : $0.messages.removeFirst() }) {
            // Somebody may have asked again under this lease, after he was told to come back.
            if try await !lane.knows(next.id) { return next }
        }
        return nil
    }
}

extension AgentRequest {
    /// As it is left in an inbox; nil for what is not.
    var inboxMessage: InboxMessage? {
        switch content {
        case .message(let text): return InboxMessage(id: id, body: ["message": .init(text)])
        case .cancel(let reason):
            var body: JSONObject = ["cancel": true]
            if let reason { body["reason"] = .init(reason) }
            return InboxMessage(id: id, body: .object(body))
        case .decisions, .signal, .resume, .wake, .scheduled: return nil
        }
    }

    /// Reads ``inboxMessage``; nil for anything else.
    init?(_ message: InboxMessage, session: SessionID) {
        switch (message.body["message"], message.body["cancel"]) {
        case (.string(let text)?, nil):
            self.init(session: session.rawValue, id: message.id, content: .message(text.value))
        case (nil, true?):
            let reason = message.body["reason"]?.string
            self.init(session: session.rawValue, id: message.id, content: .cancel(reason: reason))
        default: return nil
        }
    }
}
