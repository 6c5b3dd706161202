// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// One fact in a session's log. The log is append-only, and everything else is a fold over it.
public struct Entry: Sendable, Hashable {
    /// The turn it belongs to, from 1.
    public var turn: Int
    /// What happened.
    public var fact: Fact

    /// Creates an entry.
    public init(turn: Int, fact: Fact) {
        self.turn = turn
        self.fact = fact
    }

    /// The kinds of facts.
    public enum Fact: Sendable, Hashable {
        /// The user said something.
        case input(request: String, text: String)
        /// The model answered.
        case reply(ModelReply)
        /// A tool call is about to run. Written for every effect but ``ToolEffect/pure``, before the tool starts.
        /// - Parameter attempt: 1, or more when an idempotent call runs again.
        case claim(CallPosition, tool: String, effect: ToolEffect, attempt: Int)
        /// A tool call waits for a person.
        case approvalRequest(CallPosition, reason: String)
        /// A person decided.
        case decision(request: String, Verdict)
        /// The model will not answer this conversation, now or later. It ends the turn.
        case refusal(reason: String)
        /// A part of a tool call ended, which is not done again when the call runs again.
        case step(CallPosition, name: String, value: JSONValue)
        /// A tool call has its result.
        case result(CallPosition, ToolResult)
        /// The newest turn has a name now, to go back to or to fork at.
        case checkpoint(label: String)
        /// The conversation goes on from the end of an earlier turn. What came after it stays in the log and out of the
        /// conversation. A turn of its own.
        case rewind(toTurn: Int)
    }
}

/// How a tool call ended, as the model is told.
public struct ToolResult: Sendable, Hashable {
    /// The ways a call can end.
    public enum Status: String, Sendable, Hashable {
        /// The tool returned.
        case succeeded
        /// The tool threw, does not exist, or got arguments that do not fit.
        case failed
        /// It started and was interrupted: whether it took effect cannot be told.
        case unknown
        /// A person said no.
        case rejected
        /// It did not start, because the turn went on without it.
        case skipped
    }

    /// How it ended.
    public var status: Status
    /// The text for the model.
    public var content: String

    /// Creates a result.
    public init(status: Status, content: String) {
        self.status = status
        self.content = content
    }
}
