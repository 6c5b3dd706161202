// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore

/// Something that an agent does, for those who count, time or trace it.
public struct AgentOperation: Sendable, Hashable {
    /// The kinds of operations. Those of a turn are within it.
    public enum Kind: Sendable, Hashable {
        /// A request is answered: everything from its arrival to its outcome. For an agent that is a tool of another one, it is
        /// within that tool's run.
        case turn
        /// A session is waited for and opened.
        case lease
        /// The model is asked.
        /// - Parameter step: Which of the replies to the request it is, from 1.
        case modelCall(step: Int)
        /// A tool runs, with its retries.
        case tool(name: String)
        /// Entries are made durable.
        case commit
    }

    /// How an operation ended.
    public struct Result: Sendable, Hashable {
        /// One word of a few. A turn: `completed`, `awaiting`, `failed` and other outcomes by their names. A tool: `succeeded`,
        /// `failed`, `unknown`, `interrupted`, or `suspended`. All else: `ok` or `failed`.
        public var status: String
        /// The type of the error that ended it, such as `Function.ModelFailed`; nil when there was none.
        public var errorType: String?
        /// What a model call consumed; nil when the provider did not say.
        public var usage: TokenUsage?
        /// Whether a turn was answered from the log, because the request had been answered before.
        public var isReplay = false

        /// Creates a result.
        public init(
            status: String = "ok", errorType: String? = nil, usage: TokenUsage? = nil, isReplay: Bool = false
        ) {
            (self.status, self.errorType, self.usage, self.isReplay) = (status, errorType, usage, isReplay)
        }

        /// Whether something went wrong: an error, or a tool that did not succeed.
        public var isFailure: Bool { errorType != nil || ["failed", "unknown", "interrupted"].contains(status) }
    }

    /// What is done.
    public var kind: Kind
    /// The agent's name.
    public var agent: String
    /// The X-Ray trace header of the invocation, if it has one.
    public var traceHeader: String?

    /// Creates an operation.
    public init(_ kind: Kind, agent: String, traceHeader: String? = nil) {
        (self.kind, self.agent, self.traceHeader) = (kind, agent, traceHeader)
    }
}

/// Sees what an agent does: to count it, to time it, or to make spans of it.
///
/// No text of a conversation, no argument of a tool and no id of a session or request is handed over, so that none gets into a
/// label by mistake.
public protocol AgentObserver: Sendable {
    /// Runs an operation, and returns what it returned.
    ///
    /// It has to call `body` once, on its own task; task-local values that it sets are seen by models and tools. It is
    /// within the turn's time, so it should not wait for anything.
    func observe<Value>(
        _ operation: AgentOperation, _ body: () async -> (Value, AgentOperation.Result)
    ) async -> Value
}

extension Agent {
    /// The same agent, with somebody who sees what it does.
    public func observed(by observer: some AgentObserver) -> Agent {
        var agent = self
        agent.observer = observer
        return agent
    }
}
