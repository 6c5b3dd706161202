// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Logging
import SessionStore

extension AgentRuntime {
    /// What became of a request that was followed.
    enum Followed: Sendable {
        /// Its turn is complete, or waits.
        case settled(Outcome)
        /// Its turn is not complete, and nobody runs it.
        case open
        /// The session does not know it.
        case unknown
    }

    /// How often the text of a turn that runs elsewhere is looked at.
    private static let pollInterval = Duration.milliseconds(100)
    /// How often, in such looks, it is tried whether the turn still runs: at first, and at last.
    private static let probes = (first: 2, last: 20)

    /// Shows the turn of a request to a reader while another invocation runs it, and what the log has of it when none does.
    ///
    /// Writes nothing. On NFS each look is GETATTR, OPEN, READ and CLOSE, and each try whether the turn still runs OPEN, LOCK,
    /// which is denied, and CLOSE.
    ///
    /// Throws ``AgentError/Code/invalidCursor``, ``AgentError/Code/reusedID``, ``AgentError/Code/deadlineExceeded`` when the
    /// session is in use until shortly before the deadline, and what the reader's connection throws.
    /// - Parameter whole: The request as it was made again, if it was; it has to be the same.
    func follow(
        _ request: FollowRequest, as whole: AgentRequest?, until deadline: ContinuousClock.Instant,
        to stream: ReplyStream
    ) async throws -> Followed {
        let followed = try await show(request, as: whole, until: deadline, to: stream)
        // A turn that goes on here has a line of its own.
        if case .settled(let outcome) = followed {
            logger.info(
                "turn followed", metadata: ["outcome": .string(outcome.name), "session": .string(request.session)])
        }
        return followed
    }

    private func show(
        _ request: FollowRequest, as whole: AgentRequest?, until deadline: ContinuousClock.Instant,
        to stream: ReplyStream
    ) async throws -> Followed {
        let cutoff = deadline.advanced(by: .zero - Self.reserve)
        let session = try SessionID(request.session)
        let lane = SessionLane()
        var (token, shown) = (String?.none, 0)
        var (untilProbe, probeEvery) = (0, Self.probes.first)
        while true {
            if untilProbe == 0 {
                if let (followed, progress) = try await look(at: request, as: whole, session, on: lane) {
                    stream.beginAgain()
                    for next in progress { try await stream.follow(next) }
                    return followed
                }
                (untilProbe, probeEvery) = (probeEvery, min(probeEvery * 2, Self.probes.last))
            }
            untilProbe -= 1
            let text = await lane.liveText(of: session, of: name, in: store)
            if let live = text.flatMap({ LiveTurn($0) }), live.request == request.id {
                if live.token != token {
                    stream.beginAgain()
                    (token, shown) = (live.token, 0)
                }
                for next in live.progress.dropFirst(shown) { try await stream.follow(next) }
                shown = live.progress.count
            } else if token != nil {
                // The turn has ended, or will have in a moment.
                token = nil
                (untilProbe, probeEvery) = (0, Self.probes.first)
            }
            guard .now.advanced(by: Self.pollInterval) < cutoff else {
                throw AgentError(
                    .deadlineExceeded,
                    "the session is in use elsewhere, and this invocation's time was up; ask again after the last event"
                )
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    /// Reads the log, if nobody is writing it; nil while somebody is.
    private func look(
        at request: FollowRequest, as whole: AgentRequest?, _ session: SessionID, on lane: SessionLane
    ) async throws -> (Followed, [TurnProgress])? {
        let opened: SessionLane.Opened
        do {
            opened = try await lane.open(
                session, of: name, in: store, request: request.id, creating: false, until: .now)
        } catch let error as SessionStoreError where error.code == .busy || error.code == .tooManyLeases {
            return nil
        } catch let error as SessionStoreError where error.code == .noSuchSession {
            return (.unknown, [])
        }
        let outcome: Outcome?
        do {
            // Who repeats the whole request may set going what waits.
            outcome = try opened.request?.outcome ?? (whole == nil ? waiting(opened) : nil)
            // What is told has to be on the disk, not only in what was read.
            if outcome != nil { try await lane.confirm() }
        } catch {
            try? await lane.close()
            throw error
        }
        try await lane.close()
        guard opened.request != nil else { return (.unknown, []) }
        if let whole, !whole.isRepeated(in: opened.entries) { throw AgentError.reusedID }
        let trail = RequestTrail(of: request.id, in: opened.entries)
        guard trail.allows(request.after) else { throw AgentError.invalidCursor }
        return (outcome.map { .settled($0) } ?? .open, trail.progress)
    }

    /// How the attempt ended of a turn that waits, which has no outcome yet.
    private func waiting(_ opened: SessionLane.Opened) throws -> Outcome? {
        guard opened.request != nil else { return nil }
        let history = try loop(from: opened).history
        guard case .waiting(let until)? = history.pause else { return nil }
        return history.waitingOutcome(until: until)
    }

    /// What lets other processes see the turn of a request; nothing is opened before something is seen.
    func liveText(for request: AgentRequest) -> LiveTextWriter? {
        guard let session = try? SessionID(request.session) else { return nil }
        return store.liveTextWriter(of: session, of: name, subject: LiveTurn.subject(request.id))
    }
}

extension SessionLane {
    /// Reads what is being said, on the lane's thread: file access over NFS blocks.
    func liveText(of session: SessionID, of agent: AgentName, in store: SessionStore) -> LiveText? {
        store.liveText(of: session, of: agent)
    }
}
