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
        /// - Parameter expires: When it counts as rejected, in milliseconds since 1970; nil for never.
        case approvalRequest(CallPosition, reason: String, expires: Int64? = nil)
        /// A person decided.
        case decision(request: String, Verdict)
        /// The model will not answer this conversation, now or later. It ends the turn.
        case refusal(reason: String)
        /// A part of a tool call ended, which is not done again when the call runs again.
        case step(CallPosition, name: String, value: JSONValue)
        /// A tool call has its result.
        case result(CallPosition, ToolResult)
        /// Another attempt at the turn begins. Written before anything is done, so that what is tried is counted whatever
        /// comes of it.
        case attempt(AttemptCause)
        /// The attempt ended in order, and the turn goes on later.
        case pause(Pause)
        /// The turn stopped at a limit, until somebody sets it going again.
        case park(reason: String)
        /// Somebody called the turn off. It ends the turn.
        case cancel(request: String, reason: String?)
        /// Something that a tool may wait for came from outside.
        case signal(request: String, name: String, value: JSONValue)
        /// The session is to get a message at a time. The message comes as an input whose request is
        /// ``ScheduledMessage/request``.
        case schedule(ScheduledMessage)
        /// Requests to the model leave out a part of the conversation from here on.
        case compaction(Compaction)
        /// The newest turn has a name now, to go back to or to fork at.
        case checkpoint(label: String)
        /// The conversation goes on from the end of an earlier turn. What came after it stays in the log and out of the
        /// conversation. A turn of its own.
        case rewind(toTurn: Int)
    }
}

/// Why a turn is tried again.
public enum AttemptCause: Sendable, Hashable {
    /// The attempt before did not end in order.
    case interrupted
    /// The attempt before ended with a ``Pause``.
    case continued
    /// A request of its own asks for it: a wake, or somebody who sets a parked turn going again.
    case released(request: String)
}

/// Why an attempt ended before its turn.
public enum Pause: Sendable, Hashable {
    /// There was no time left for the next step, or the model did not answer.
    case stopped
    /// Tools wait: until a time, in milliseconds since 1970, and at the longest for ever; or for a signal.
    case waiting(until: Int64?)
}

/// A message that a session has asked for.
public struct ScheduledMessage: Sendable, Hashable {
    /// Its name: no two of a session have the same.
    public var id: String
    /// When it is to come, in milliseconds since 1970.
    public var due: Int64
    /// What it says.
    public var text: String

    /// Creates a message.
    public init(id: String, due: Int64, text: String) {
        self.id = id
        self.due = due
        self.text = text
    }

    /// The id of the request that brings it: however often it is delivered, it is one input.
    public var request: String { Self.prefix + id }

    static let prefix = "schedule/"
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
