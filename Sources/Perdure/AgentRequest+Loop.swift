// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore

extension AgentRequest {
    /// Whether it may begin a session: everything else is about what a session has begun.
    var beginsSession: Bool { if case .message = content { true } else { false } }

    /// Whether the log holds this request as it is: an id that comes again with other contents is another request.
    func isRepeated(in entries: [Entry]) -> Bool {
        var decided: [Verdict] = []
        for entry in entries {
            switch (entry.fact, content) {
            // Whatever the request was, it is to go on.
            case (_, .resume), (_, .wake): return true
            case (.input(id, _), .scheduled): return true
            case (.input(id, let text), _): return content == .message(text)
            case (.decision(id, let verdict), _): decided.append(verdict)
            case (.signal(id, let name, let value), .decisions):
                decided += InnerApprovals.verdicts(inSignal: name, value)
            case (.signal(id, let name, let value), _): return content == .signal(name: name, value: value)
            case (.cancel(id, let reason), _): return content == .cancel(reason: reason)
            default: continue
            }
        }
        guard case .decisions(let verdicts) = content else { return false }
        // A decision may have been made for a person who came too late.
        return verdicts.count == decided.count
            && verdicts.allSatisfy { verdict in
                decided.contains { $0 == verdict || !$0.isApproved && $0.name == verdict.name }
            }
    }
}

extension InnerApprovals {
    /// The decisions that a signal carries, as they were sent.
    fileprivate static func verdicts(inSignal name: String, _ value: JSONValue) -> [Verdict] {
        guard let outer = position(ofSignal: name) else { return [] }
        return (value.array ?? []).compactMap { item in
            var verdict = try? Verdict(event: item)
            verdict?.path.insert(outer, at: 0)
            return verdict
        }
    }
}

/// What a request means to a session.
enum TurnStart {
    /// Nothing is left to do.
    case answered(Outcome)
    /// Nothing is to be done yet: the wake came before its time, in milliseconds since 1970.
    case early(Outcome, due: Int64)
    /// The turn is to be run, and this is what the loop is told.
    case run(Event)

    /// - Parameter joinsMessages: Whether a message becomes part of a turn that has not ended.
    init(
        _ request: AgentRequest, _ opened: SessionLane.Opened, _ history: History, joinsMessages: Bool, at time: Int64
    ) throws {
        if let earlier = opened.request {
            guard request.isRepeated(in: opened.entries) else { throw AgentError.reusedID }
            if let outcome = earlier.outcome {
                self = .answered(outcome)
            } else if request.content == .wake, history.phase == .suspended, let due = history.due, time < due {
                // It was here before, for a machine whose clock is ahead of this one's. Nobody else wakes the turn.
                self = .early(history.waitingOutcome(until: history.waitsUntil), due: due)
            } else {
                self = .run(.resume)
            }
            return
        }
        // Without an outcome, the first turn is under way or waits. `continuing` would have this request go on with it.
        let nothing = TurnStart.answered(opened.lastOutcome ?? .suspended(until: history.waitsUntil))
        switch request.content {
        case .message where !joinsMessages && history.phase != .idle: throw AgentError.workflowRunning
        case .message(let text): self = .run(.input(request: request.id, text: text))
        case .decisions(let verdicts): self = .run(.verdicts(request: request.id, verdicts))
        case .signal(let name, let value): self = .run(.signal(request: request.id, name: name, value: value))
        case .cancel(let reason): self = .run(.cancel(request: request.id, reason: reason))
        case .resume: self = .run(.release(request: request.id))
        // Wakes are delivered at least once, and some come when nothing is left to do: that is no error.
        case .wake:
            switch history.phase {
            case .idle, .parked: self = nothing
            case .open: self = .run(.release(request: request.id))
            case .suspended, .awaiting:
                let waiting = history.waitingOutcome(until: history.waitsUntil)
                switch history.due {
                case nil: self = .answered(waiting)
                case let due? where time < due: self = .early(waiting, due: due)
                case _?: self = .run(.release(request: request.id))
                }
            }
        case .scheduled(let id):
            guard let message = history.schedules.first(where: { $0.id == id }), message.request == request.id else {
                self = nothing
                return
            }
            switch history.phase {
            // It comes again when that turn ends.
            case .suspended, .awaiting: self = nothing
            // Somebody was to go on with that turn, and may be gone. Then as well.
            case .open: self = .run(.resume)
            case .parked where !joinsMessages: self = nothing
            case .idle, .parked: self = .run(.input(request: request.id, text: message.text))
            }
        }
    }
}

extension History {
    /// Until when tools wait; nil when none does, or for a signal.
    fileprivate var waitsUntil: Int64? {
        if case .waiting(let until) = pause { until } else { nil }
    }

    /// When the newest turn has something to do again: a tool has waited long enough, or an approval expires. Nil for never.
    fileprivate var due: Int64? { (approvals.map(\.expires) + [waitsUntil]).compactMap(\.self).min() }
}
