// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Logging
import SessionStore

extension AgentRuntime {
    /// Leases a session, or leaves the request to the one who holds it, where that is the policy: nil.
    func open(
        _ session: SessionID, on lane: SessionLane, for request: AgentRequest, until patience: ContinuousClock.Instant
    ) async throws -> SessionLane.Opened? {
        guard let message = messageIfBusy(for: request) else {
            return try await lease(session, on: lane, for: request, until: isRefused(request) ? .now : patience)
        }
        while true {
            do {
                return try await lease(session, on: lane, for: request, until: .now)
            } catch let error as SessionStoreError where [.busy, .tooManyLeases].contains(error.code) {
                if try await post(message, to: session, on: lane, until: patience) { return nil }
                // Who holds it does not attend: for an instant, or until it was busy for a second.
                let wait = Duration.milliseconds(Int64.random(in: 20...250))
                guard .now.advanced(by: wait) < patience else { throw error }
                try await Task.sleep(for: wait)
            }
        }
    }

    private func lease(
        _ session: SessionID, on lane: SessionLane, for request: AgentRequest, until deadline: ContinuousClock.Instant
    ) async throws -> SessionLane.Opened {
        try await lane.open(
            session, of: name, in: store, request: request.id, creating: request.beginsSession, until: deadline)
    }

    /// What is left to the one who holds the session; nil for what waits.
    private func messageIfBusy(for request: AgentRequest) -> InboxMessage? {
        if case .cancel = request.content { return request.inboxMessage }
        if case .queue = whenBusy { return request.inboxMessage }
        return nil
    }

    private func isRefused(_ request: AgentRequest) -> Bool {
        guard whenBusy == .refuse, case .message = request.content else { return false }
        return true
    }

    /// The inputs of a workflow wait for each other where messages would be queued: none joins the turn of another one.
    var whenBusy: BusyPolicy {
        if case .queue = agent.whenBusy, !agent.joinsMessages { .wait } else { agent.whenBusy }
    }

    private func post(
        _ message: InboxMessage, to session: SessionID, on lane: SessionLane, until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        do {
            return try await lane.post(message, to: session, of: name, in: store, until: deadline)
        } catch {
            switch error.code {
            case .duplicateRequest: throw AgentError.reusedID
            case .tooLarge: throw AgentError(.messageTooLarge, error.detail)
            default: throw error
            }
        }
    }

    // MARK: - The end of a lease

    /// Does what came in while the turn ran, and gives the session back, so that nothing is left behind.
    /// - Returns: How the turn of this invocation's request ended, which may be called off after it was put off.
    func finish(
        _ turn: inout TurnRunner, after result: Result<Outcome, any Error>, _ lane: SessionLane, _ mailbox: Mailbox
    ) async throws -> Outcome {
        if case .failure(let error) = result, error is SessionStoreError { throw error }
        guard mailbox.isAttending, !turn.isBehind else { return try result.get() }
        // A model that has just failed is not asked for others. What was wrong with the request is nothing to them.
        if case .failure(let error) = result, !(error is AgentError), !(error is LoopError) {
            turn.mayStartSteps = false
        }
        turn.ceaseProgress()
        var result = result
        // Whether the turn that may be called off is the one of this invocation's request.
        var isOwn = turn.hasBegun
        do {
            while true {
                try await mailbox.look()
                if let event = mailbox.cancellation {
                    // A turn that has its outcome keeps it, also where it still waits for decisions and is called off now.
                    if turn.history.isSettled { isOwn = false }
                    if turn.history.phase != .idle {
                        let outcome = try await turn.run(event)
                        if isOwn { result = .success(outcome) }
                    }
                    mailbox.dropCancellation()
                } else if let message = try await mailbox.takeNext() {
                    isOwn = false
                    try await answer(message, in: &turn, lane)
                } else if try await lane.closeUnlessPosted() {
                    break
                }
            }
        } catch {
            // What is left is for the next one who attends.
            logger.error("a session's inbox could not be emptied", metadata: ["error": "\(error)"])
        }
        return try result.get()
    }

    /// Runs the turn of a message that was left in the inbox. Whoever left it asks again for what it came to.
    private func answer(_ message: AgentRequest, in turn: inout TurnRunner, _ lane: SessionLane) async throws {
        guard case .message(let text) = message.content else { return }
        do {
            let outcome = try await turn.run(.input(request: message.id, text: text))
            logger.info("queued turn \(outcome.name)", metadata: ["session": "\(message.session)"])
            if outcome == .continuing, turn.mayStartSteps {
                let wakes = wakes
                try await inReserve(until: turn.surroundings.deadline) {
                    try await wakes?.goOn(with: message, fruitless: 0)
                }
            }
        } catch {
            // What is not on record stays in the inbox. Else the others are put on record, too.
            guard !(error is SessionStoreError), !turn.isBehind, try await lane.knows(message.id) else { throw error }
            turn.mayStartSteps = false
            logger.error("a queued turn failed", metadata: ["error": "\(AgentError(error).code.errorType)"])
        }
    }
}
