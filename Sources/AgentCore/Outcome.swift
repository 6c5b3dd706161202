// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A tool call that waits for a person's decision.
public struct Approval: Sendable, Hashable {
    /// Which call; a decision names it by this.
    public var position: CallPosition
    /// For a call of an agent that is itself a tool: the calls that lead to it, outermost first.
    public var path: [CallPosition] = []
    /// The call as the model asked for it.
    public var call: ToolCall
    /// Why a decision is needed.
    public var reason: String
    /// When it counts as rejected, in milliseconds since 1970; nil for never.
    public var expires: Int64?

    /// Creates an approval.
    public init(position: CallPosition, call: ToolCall, reason: String, expires: Int64? = nil) {
        self.position = position
        self.call = call
        self.reason = reason
        self.expires = expires
    }
}

/// How a turn ended, or an attempt at it: after ``continuing`` and ``suspended(until:)`` the same request gets the outcome
/// of the turn later.
public enum Outcome: Sendable, Hashable {
    /// The model answered.
    case completed(reply: String)
    /// The model will not answer this conversation, for example because it is too long. What the turn added is kept in
    /// the log and left out of later requests to the model, so that the session goes on.
    case failed(reason: String)
    /// Tool calls wait for decisions; nothing runs until one arrives.
    case awaiting([Approval])
    /// Tools wait for a time, in milliseconds since 1970, or for a signal alone. The turn goes on when that comes.
    case suspended(until: Int64?)
    /// The invocation's time was up. The turn goes on in another one.
    case continuing
    /// The turn stopped at a limit: a budget is spent, or it was interrupted too often. Nothing runs until somebody sets it
    /// going again or sends another message.
    case parked(reason: String)
    /// Somebody called the turn off.
    case cancelled
    /// The session is busy, and who holds it was left the request. The same request gets the outcome of its turn later. Never
    /// written down.
    case queued
}

extension Outcome {
    /// Whether the request keeps this outcome; else it gets another one when its turn has ended.
    public var isFinal: Bool {
        switch self {
        case .completed, .failed, .awaiting, .parked, .cancelled: true
        case .suspended, .continuing, .queued: false
        }
    }
}

/// A person's decision on one ``Approval``.
public struct Verdict: Sendable, Hashable {
    /// The call it is about.
    public var position: CallPosition
    /// As the approval's.
    public var path: [CallPosition] = []
    /// Whether the call may run.
    public var isApproved: Bool
    /// Said to the model when the call is rejected.
    public var reason: String?
    /// The arguments that the call is to run with in place of the model's, as JSON text; nil for the model's. The model is
    /// told of the change.
    public var arguments: String?

    /// Creates a verdict.
    public init(position: CallPosition, isApproved: Bool, reason: String? = nil, arguments: String? = nil) {
        self.position = position
        self.isApproved = isApproved
        self.reason = reason
        self.arguments = arguments
    }
}
