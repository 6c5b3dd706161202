// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A tool call that waits for a person's decision.
public struct Approval: Sendable, Hashable {
    /// Which call; a decision names it by this.
    public var position: CallPosition
    /// The call as the model asked for it.
    public var call: ToolCall
    /// Why a decision is needed.
    public var reason: String

    /// Creates an approval.
    public init(position: CallPosition, call: ToolCall, reason: String) {
        self.position = position
        self.call = call
        self.reason = reason
    }
}

/// How a turn ended.
public enum Outcome: Sendable, Hashable {
    /// The model answered.
    case completed(reply: String)
    /// The model will not answer this conversation, for example because it is too long. What the turn added is kept in
    /// the log and left out of later requests to the model, so that the session goes on.
    case failed(reason: String)
    /// Tool calls wait for decisions; nothing runs until one arrives.
    case awaiting([Approval])
}

/// A person's decision on one ``Approval``.
public struct Verdict: Sendable, Hashable {
    /// The call it is about.
    public var position: CallPosition
    /// Whether the call may run.
    public var isApproved: Bool
    /// Said to the model when the call is rejected.
    public var reason: String?

    /// Creates a verdict.
    public init(position: CallPosition, isApproved: Bool, reason: String? = nil) {
        self.position = position
        self.isApproved = isApproved
        self.reason = reason
    }
}
