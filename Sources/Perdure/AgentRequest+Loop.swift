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
            case (.signal(id, let name, let value), _): return content == .signal(name: name, value: value)
            case (.cancel(id, let reason), _): return content == .cancel(reason: reason)
            default: continue
            }
        }
        guard case .decisions(let verdicts) = content else { return false }
        return verdicts.count == decided.count
            && zip(verdicts, decided).allSatisfy { $0 == $1 || $0.position == $1.position && !$1.isApproved }
    }
}

/// What a request means to a session.
enum TurnStart {
    /// Nothing is left to do.
    case answered(Outcome)
    /// The turn is to be run, and this is what the loop is told.
    case run(Event)

    init(_ request: AgentRequest, _ opened: SessionLane.Opened, _ history: History, at time: Int64) throws {
        if let earlier = opened.request {
            guard request.isRepeated(in: opened.entries) else { throw AgentError.reusedID }
            self = earlier.outcome.map(TurnStart.answered) ?? .run(.resume)
            return
        }
        // Without an outcome, the first turn is under way or waits. `continuing` would have this request go on with it.
        let nothing = TurnStart.answered(opened.lastOutcome ?? .suspended(until: history.waitsUntil))
        switch request.content {
        case .message(let text): self = .run(.input(request: request.id, text: text))
        case .decisions(let verdicts): self = .run(.verdicts(request: request.id, verdicts))
        case .signal(let name, let value): self = .run(.signal(request: request.id, name: name, value: value))
        case .cancel(let reason): self = .run(.cancel(request: request.id, reason: reason))
        case .resume: self = .run(.release(request: request.id))
        // Wakes are delivered at least once, and some come when nothing is left to do: that is no error.
        case .wake:
            switch (history.phase, history.pause) {
            case (.suspended, .waiting(let until)?) where until.map({ time < $0 }) ?? true:
                self = .answered(.suspended(until: until))
            case (.awaiting, _) where !history.approvals.contains { $0.expires.map { time >= $0 } ?? false }:
                self = nothing
            case (.idle, _), (.parked, _): self = nothing
            case (.open, _), (.suspended, _), (.awaiting, _): self = .run(.release(request: request.id))
            }
        case .scheduled(let id):
            guard let message = history.schedules.first(where: { $0.id == id }), message.request == request.id else {
                self = nothing
                return
            }
            switch history.phase {
            // It comes again when that turn ends.
            case .suspended, .awaiting: self = nothing
            case .idle, .open, .parked: self = .run(.input(request: request.id, text: message.text))
            }
        }
    }
}

extension History {
    /// Until when tools wait; nil when none does, or for a signal.
    fileprivate var waitsUntil: Int64? {
        if case .waiting(let until) = pause { until } else { nil }
    }
}
