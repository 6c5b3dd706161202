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
    /// The calls of the newest reply, in its order; empty once all of them are settled.
    public private(set) var calls: [OpenCall] = []
    /// The number of model replies in the session.
    public private(set) var replies = 0
    /// The number of model replies since the newest input or decision.
    public private(set) var repliesSinceInput = 0
    /// The turns that were named, by name; those that a rewind took back have lost it.
    public private(set) var checkpoints: [String: Int] = [:]
    /// Where the messages of each turn but the newest end; nil where the conversation cannot go back to: what a rewind
    /// took back, and what the next turn began in the middle of.
    private var ends: [Int?] = []
    /// Whether the newest reply called no tool, which ends a turn.
    private var isAnswered = true
    /// Where the messages of the newest turn begin.
    private var turnStart = 0
    /// The reply whose calls are open.
    private var openReply: ModelReply?

    /// A tool call that may still be open, and how far it got.
    public struct OpenCall: Sendable, Hashable {
        /// How far a call got.
        public enum State: Sendable, Hashable {
            /// Nothing but the model's wish is recorded.
            case asked
            /// A person has to decide.
            case awaiting(reason: String)
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
    }

    /// How far the newest turn is.
    public var phase: Phase {
        let unsettled = calls.filter { !$0.isSettled }
        if unsettled.isEmpty { return isAnswered ? .idle : .open }
        return unsettled.allSatisfy { if case .awaiting = $0.state { true } else { false } } ? .awaiting : .open
    }

    /// The calls that wait for a person.
    public var approvals: [Approval] {
        calls.compactMap { open in
            guard case .awaiting(let reason) = open.state else { return nil }
            return Approval(position: open.position, call: open.call, reason: reason)
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
        switch entry.fact {
        case .input(_, let text):
            guard calls.isEmpty else {
                throw LoopError(code: .brokenLog, detail: "an input while tool calls are open, in turn \(entry.turn)")
            }
            if isAnswered { turnStart = messages.count }
            messages.append(.user(text))
            isAnswered = false
            repliesSinceInput = 0
        case .reply(let reply):
            guard calls.isEmpty, !isAnswered else {
                throw LoopError(code: .brokenLog, detail: "a reply that nothing asked for, in turn \(entry.turn)")
            }
            replies += 1
            repliesSinceInput += 1
            if reply.toolCalls.isEmpty {
                messages.append(.assistant(reply))
                isAnswered = true
            } else {
                openReply = reply
                calls = reply.toolCalls.enumerated().map { index, call in
                    OpenCall(position: CallPosition(reply: replies, index: index), call: call, state: .asked)
                }
            }
        case .claim(let position, _, let effect, let attempt):
            try advance(position, to: .claimed(effect: effect, attempt: attempt))
        case .approvalRequest(let position, let reason):
            try advance(position, to: .awaiting(reason: reason))
        case .refusal:
            guard calls.isEmpty, !isAnswered else {
                throw LoopError(code: .brokenLog, detail: "a refusal of nothing, in turn \(entry.turn)")
            }
            forgetTurn()
            isAnswered = true
        case .decision(_, let verdict):
            let beginsTurn = phase == .awaiting
            try advance(verdict.position, to: .approved)
            if beginsTurn { turnStart = messages.count }
            repliesSinceInput = 0
        case .step(let position, let name, let value):
            guard let index = calls.firstIndex(where: { $0.position == position && !$0.isSettled }),
                calls[index].steps[name] == nil
            else { throw LoopError(code: .brokenLog, detail: "a step of call \(position), which has none to come") }
            calls[index].steps[name] = value
        case .result(let position, let result):
            try advance(position, to: .settled(result))
            closeReplyIfSettled()
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
        if entry.turn > turn { ends.append(end) }
        turn = entry.turn
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
        calls = []
        openReply = nil
        isAnswered = true
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
                messages.append(.tool(call: open.call, content: result.content))
            }
        }
        calls = []
        openReply = nil
    }
}
