// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// What a session's log amounts to: the conversation, and the tool calls that are not settled.
///
/// A fold: the same entries give the same history, wherever the log is cut. ``messages`` never holds a tool call
/// without its result, because a reply joins it together with the results of all its calls.
public struct History: Sendable {
    /// The turn of the newest entry, 0 when there is none.
    public private(set) var turn = 0
    /// The conversation as a provider accepts it.
    public private(set) var messages: [Message] = []
    /// What was cut out of the requests to the model, oldest first. The newest counts, until a rewind takes it back.
    var cuts: [Cut] = []
    /// What a provider has counted of the conversation, where that still fits.
    var measure: Measure?
    /// The calls of the newest reply, in its order; empty once all of them are settled.
    public private(set) var calls: [OpenCall] = []
    /// The number of model replies in the session.
    public private(set) var replies = 0
    /// The number of model replies since the newest input or decision.
    public private(set) var repliesSinceInput = 0
    /// What the session has spent on models.
    public internal(set) var spent = Spending()
    /// What the newest turn has spent on models.
    public internal(set) var spentInTurn = Spending()
    /// How often the newest turn was interrupted since the last message, decision, release or step of a call.
    public private(set) var interruptions = 0
    /// The signals that came and that no tool has taken yet, oldest first, by their names. They end with the turn.
    public private(set) var signals: [String: [JSONValue]] = [:]
    /// The messages that the session is to get and has not got.
    public private(set) var schedules: [ScheduledMessage] = []
    /// How the newest attempt ended, if it ended in order and before the turn.
    public private(set) var pause: Pause?
    /// Why the newest turn stopped at a limit, if it did.
    public private(set) var parkReason: String?
    /// The turns that were named, by name; those that a rewind took back have lost it.
    public private(set) var checkpoints: [String: Int] = [:]
    /// Where the messages of each turn but the newest end; nil where the conversation cannot go back to: what a rewind
    /// took back, and what the next turn began in the middle of.
    private var ends: [Int?] = []
    /// Whether the newest reply called no tool, which ends a turn.
    private var isAnswered = true
    /// Where the messages of the newest turn begin.
    private(set) var turnStart = 0
    /// The reply whose calls are open.
    private var openReply: ModelReply?

    /// A tool call that may still be open, and how far it got.
    public struct OpenCall: Sendable, Hashable {
        /// How far a call got.
        public enum State: Sendable, Hashable {
            /// Nothing but the model's wish is recorded.
            case asked
            /// A person has to decide.
            case awaiting(reason: String, expires: Int64?)
            /// A person agreed.
            case approved
            /// It may have started.
            case claimed(effect: ToolEffect, attempt: Int)
            /// It has its result.
            case settled(ToolResult)
        }

        /// Which call.
        public let position: CallPosition
        /// The call as the model asked for it.
        public let call: ToolCall
        /// How far it got.
        public internal(set) var state: State
        /// The arguments that a person put in place of the model's.
        public internal(set) var editedArguments: String?
        /// What the parts of it that ended came to, by their names.
        public internal(set) var steps: [String: JSONValue] = [:]

        /// Whether it has its result.
        public var isSettled: Bool { if case .settled = state { true } else { false } }
    }

    /// An empty history.
    public init() {}

    /// How a new input relates to the newest turn.
    public enum Phase: Sendable, Hashable {
        /// The turn is complete, or there is none.
        case idle
        /// Calls wait for decisions, and nothing else is to be done.
        case awaiting
        /// The turn was interrupted, or is running.
        case open
        /// Tools wait for a time or a signal, and nothing else is to be done.
        case suspended
        /// The turn stopped at a limit.
        case parked
    }

    /// How far the newest turn is.
    public var phase: Phase {
        if parkReason != nil { return .parked }
        if case .waiting = pause { return .suspended }
        let unsettled = calls.filter { !$0.isSettled }
        if unsettled.isEmpty { return isAnswered ? .idle : .open }
        return unsettled.allSatisfy { if case .awaiting = $0.state { true } else { false } } ? .awaiting : .open
    }

    /// Whether the requests of the newest turn have their outcome: what comes next is a turn of its own.
    public var isSettled: Bool {
        switch phase {
        case .idle, .parked: true
        case .open: false
        // Nobody could be told when they expire, and the request that led here is still to be answered.
        case .awaiting: pause != .stopped
        // Approvals that were asked for beside it have been answered.
        case .suspended: !approvals.isEmpty
        }
    }

    /// The calls that wait for a person.
    public var approvals: [Approval] {
        calls.compactMap { open in
            guard case .awaiting(let reason, let expires) = open.state else { return nil }
            return Approval(position: open.position, call: open.call, reason: reason, expires: expires)
        }
    }

    /// Adds an entry.
    ///
    /// Throws ``LoopError/Code/brokenLog`` when the entry cannot follow those before it; the history is unchanged then.
    public mutating func apply(_ entry: Entry) throws(LoopError) {
        guard entry.turn == turn || entry.turn == turn + 1, entry.turn > 0 else {
            throw LoopError(code: .brokenLog, detail: "turn \(entry.turn) follows turn \(turn)")
        }
        let end = phase == .idle ? messages.count : nil
        try check(entry)
        switch entry.fact {
        case .input(let request, let text):
            guard calls.isEmpty else {
                throw LoopError(code: .brokenLog, detail: "an input while tool calls are open, in turn \(entry.turn)")
            }
            if isAnswered { turnStart = messages.count }
            messages.append(.user(text))
            isAnswered = false
            repliesSinceInput = 0
            interruptions = 0
            schedules.removeAll { $0.request == request }
        case .reply(let reply):
            guard calls.isEmpty, !isAnswered else {
                throw LoopError(code: .brokenLog, detail: "a reply that nothing asked for, in turn \(entry.turn)")
            }
            replies += 1
            repliesSinceInput += 1
            measure(reply.usage)
            if !reply.isFromCache {
                spent.add(reply.usage)
                spentInTurn.add(reply.usage)
            }
            if reply.toolCalls.isEmpty {
                messages.append(.assistant(reply))
                endTurn()
            } else {
                openReply = reply
                calls = reply.toolCalls.enumerated().map { index, call in
                    OpenCall(position: CallPosition(reply: replies, index: index), call: call, state: .asked)
                }
            }
        case .claim(let position, _, let effect, let attempt):
            try advance(position, to: .claimed(effect: effect, attempt: attempt))
        case .approvalRequest(let position, let reason, let expires):
            try advance(position, to: .awaiting(reason: reason, expires: expires))
        case .refusal:
            guard calls.isEmpty, !isAnswered else {
                throw LoopError(code: .brokenLog, detail: "a refusal of nothing, in turn \(entry.turn)")
            }
            forgetTurn()
            endTurn()
        case .decision(_, let verdict):
            let beginsTurn = isSettled
            try advance(verdict.position, to: .approved)
            if beginsTurn { turnStart = messages.count }
            if verdict.isApproved, let index = calls.firstIndex(where: { $0.position == verdict.position }) {
                calls[index].editedArguments = verdict.arguments
            }
            repliesSinceInput = 0
            interruptions = 0
        case .step(let position, let name, let value):
            guard let index = calls.firstIndex(where: { $0.position == position && !$0.isSettled }),
                calls[index].steps[name] == nil
            else { throw LoopError(code: .brokenLog, detail: "a step of call \(position), which has none to come") }
            calls[index].steps[name] = value
            // What kills every attempt gets no further.
            interruptions = 0
            if let signal = SignalStep.signal(ofStep: name), let taken = SignalStep.value(value),
                let left = signals[signal], !left.isEmpty
            {
                // Calls that run side by side are not always recorded in the order in which they took theirs.
                signals[signal]?.remove(at: left.firstIndex(of: taken) ?? 0)
            }
        case .result(let position, let result):
            try advance(position, to: .settled(result))
            closeReplyIfSettled()
        case .attempt(let cause):
            switch cause {
            case .interrupted: interruptions += 1
            case .continued: break
            case .released:
                if isSettled { turnStart = messages.count }
                interruptions = 0
            }
        case .pause, .park:
            break
        case .cancel:
            endTurn()
        case .signal(_, let name, let value):
            signals[name, default: []].append(value)
        case .schedule(let message):
            schedules.append(message)
        case .compaction(let compaction):
            guard cut(compaction, in: entry.turn) else {
                throw LoopError(code: .brokenLog, detail: "a compaction that does not fit, in turn \(entry.turn)")
            }
        case .checkpoint(let label):
            guard entry.turn == turn, phase == .idle else {
                throw LoopError(code: .brokenLog, detail: "a checkpoint in turn \(entry.turn), which is not complete")
            }
            checkpoints[label] = turn
        case .rewind(let target):
            guard entry.turn == turn + 1, let end = endOfMessages(in: target) else {
                throw LoopError(code: .brokenLog, detail: "turn \(entry.turn) goes back to \(target), which cannot be")
            }
            takeBack(to: target, end: end)
            ends.append(turn == target ? end : nil)
            turn = entry.turn
            return
        }
        if entry.turn > turn {
            ends.append(end)
            spentInTurn = Spending()
        }
        turn = entry.turn
        note(entry)
    }

    /// Whether the kinds that say how an attempt began or ended may stand here.
    private func check(_ entry: Entry) throws(LoopError) {
        let phase = phase
        let fits =
            switch entry.fact {
            case .attempt(.interrupted): phase == .open && pause == nil && entry.turn == turn
            case .attempt(.continued): pause != nil && entry.turn == turn
            case .attempt(.released): phase != .idle
            case .pause(.stopped): [.open, .awaiting].contains(phase) && entry.turn == turn
            case .pause(.waiting): phase == .open && entry.turn == turn
            case .park: phase == .open || parkReason == nil && phase != .idle
            case .cancel: calls.isEmpty && !isAnswered
            case .compaction: phase == .open && calls.isEmpty && pause == nil && entry.turn == turn
            case .signal: phase != .idle
            case .schedule(let message): turn > 0 && !schedules.contains { $0.id == message.id }
            default: true
            }
        guard fits else {
            throw LoopError(
                code: .brokenLog, detail: "an entry of kind \(entry.kind) in turn \(entry.turn), which is \(phase)")
        }
    }

    /// Keeps what the newest entry says of the attempt.
    private mutating func note(_ entry: Entry) {
        switch entry.fact {
        case .pause(let pause): self.pause = pause
        case .park(let reason): (pause, parkReason) = (nil, reason)
        // What comes from outside does not set a parked turn going.
        case .signal, .schedule: pause = nil
        default: (pause, parkReason) = (nil, nil)
        }
    }

    private mutating func endTurn() {
        isAnswered = true
        signals = [:]
    }

    /// The turns that the conversation can go back to: 0, its beginning, and every complete turn that is part of it.
    public func canRewind(to target: Int) -> Bool { endOfMessages(in: target) != nil }

    private func endOfMessages(in target: Int) -> Int? {
        if target == turn { return phase == .idle ? messages.count : nil }
        return ends.indices.contains(target) ? ends[target] : nil
    }

    private mutating func takeBack(to target: Int, end: Int) {
        messages.removeSubrange(end...)
        for turn in ends.indices where turn > target { ends[turn] = nil }
        checkpoints = checkpoints.filter { $0.value <= target }
        takeBackCuts(after: target)
        calls = []
        openReply = nil
        (pause, parkReason) = (nil, nil)
        interruptions = 0
        spentInTurn = Spending()
        endTurn()
        turnStart = end
        repliesSinceInput = 0
    }

    private mutating func advance(_ position: CallPosition, to state: OpenCall.State) throws(LoopError) {
        guard let index = calls.firstIndex(where: { $0.position == position }) else {
            throw LoopError(code: .brokenLog, detail: "call \(position) is not open")
        }
        switch (calls[index].state, state) {
        case (.asked, .awaiting), (.awaiting, .approved), (.asked, .settled), (.awaiting, .settled),
            (.approved, .settled), (.claimed, .settled), (.asked, .claimed(_, attempt: 1)),
            (.approved, .claimed(_, attempt: 1)):
            calls[index].state = state
        case (.claimed(.idempotent, let earlier), .claimed(.idempotent, let attempt))
        where attempt > 1 && attempt - 1 == earlier:
            calls[index].state = state
        default:
            throw LoopError(code: .brokenLog, detail: "call \(position) cannot go on from where it is")
        }
    }

    /// Takes the newest turn out of the conversation. That tools ran in it is not forgotten.
    private mutating func forgetTurn() {
        var ran: [String] = []
        for case .tool(let call, _) in messages[turnStart...] where !ran.contains(call.name) { ran.append(call.name) }
        messages.removeSubrange(turnStart...)
        keepCuts(through: turnStart)
        guard !ran.isEmpty else { return }
        // As the user's, because a conversation must not begin with the model.
        let names = ran.joined(separator: ", ")
        messages.append(.user("(A turn before this could not be completed. Tools were called in it: \(names).)"))
    }

    private mutating func closeReplyIfSettled() {
        guard let reply = openReply, calls.allSatisfy(\.isSettled) else { return }
        messages.append(.assistant(reply))
        for open in calls {
            if case .settled(let result) = open.state {
                messages.append(.tool(call: open.call, content: open.told + result.content))
            }
        }
        calls = []
        openReply = nil
    }
}

extension History.OpenCall {
    /// What the model is told before the result, where the call is not the one that it made.
    fileprivate var told: String {
        editedArguments.map { "(The arguments of this call were changed before it ran, to: \($0))\n" } ?? ""
    }
}

/// The steps that a wait for a signal is recorded as.
package enum SignalStep {
    private static let prefix = "signal/"

    /// The name of the step in which a tool takes a signal.
    package static func step(ofSignal name: String) -> String { prefix + name }

    static func signal(ofStep name: String) -> String? {
        name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
    }

    /// What the step comes to when the time for the signal is up. No value of a signal is written so.
    package static let missed = JSONValue.null

    /// What the step comes to when the tool takes a signal.
    package static func taken(_ value: JSONValue) -> JSONValue { ["value": value] }

    /// The signal's value; nil when it was missed.
    package static func value(_ step: JSONValue) -> JSONValue? { step["value"] }
}
