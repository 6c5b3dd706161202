// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// Something that happened and that the loop has to decide on.
public enum Event: Sendable {
    /// A new message. When the turn before was interrupted, the message joins that turn.
    case input(request: String, text: String)
    /// A message that came in while the turn was under way. It joins the turn before its next model call: to be told when
    /// that was decided on and has not begun.
    case steer(request: String, text: String)
    /// Decisions on approvals.
    case verdicts(request: String, [Verdict])
    /// Another attempt at a turn that was interrupted.
    case resume
    /// The model answered.
    case modelReplied(ModelReply)
    /// The model will not answer this conversation, however often it is asked.
    case modelRefused(reason: String)
    /// The model wrote the summary that it was asked for.
    case summarised(ModelReply)
    /// The model will not write that summary, however often it is asked.
    case summaryRefused
    /// A tool call ended.
    case toolFinished(CallPosition, ToolResult)
    /// A tool call ended without a result, because the tool waits: until a time in milliseconds since 1970, or for a signal.
    case toolSuspended(CallPosition, until: Int64?)
    /// The attempt ends here, because there is no time left or the model failed; what is under way was given up.
    case timeUp
    /// Something that a tool may wait for.
    case signal(request: String, name: String, value: JSONValue)
    /// Set the turn going again, by a request of its own: a wake, or somebody who has looked at a parked turn.
    case release(request: String)
    /// Call the turn off; what is under way was given up.
    case cancel(request: String, reason: String?)
}

/// A tool call that is to run now.
public struct ToolRun: Sendable {
    /// Which call.
    public var position: CallPosition
    /// The name of the tool.
    public var tool: String
    /// The arguments, parsed.
    public var arguments: JSONValue
    /// The same text on each attempt of this call, and of no other: 32 hexadecimal digits.
    public var idempotencyKey: String
    /// What the parts of it that ended in an earlier attempt came to, by their names.
    public var steps: [String: JSONValue] = [:]
}

/// Something that is to be done, in the order given.
public enum Effect: Sendable {
    /// Make the entries durable, in one commit, before doing anything that follows.
    ///
    /// With an outcome, the same commit also settles each request of the turn, so that a repeated delivery is answered
    /// without running anything.
    case commit([Entry], outcome: Outcome?)
    /// Ask the model, and report ``Event/modelReplied(_:)``.
    case callModel(ModelRequest)
    /// Have a summary written, by the agent's model or by this one, and report ``Event/summarised(_:)``. Nobody is shown its
    /// text while it is written.
    case summarise(ModelRequest, by: (any LanguageModel)?)
    /// Run a tool, and report ``Event/toolFinished(_:_:)``. Runs that stand next to each other may run in parallel.
    case runTool(ToolRun)
    /// The turn is over.
    case finish(Outcome)
}
