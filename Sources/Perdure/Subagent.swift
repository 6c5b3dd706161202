// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import SessionStore

/// A tool that is another agent: the model gives it a task in words, and gets its reply.
///
/// Each call is a turn in a session of its own, in the same store, whose id comes from the call. When the call runs again,
/// after a crash or days later, the other agent's turn goes on where it ended: nothing in it is paid or done twice.
///
/// What the other agent's turn ends as, this call passes on: approvals that it needs are part of this agent's
/// AgentCore/Outcome/awaiting(_:), and a decision on them goes to it; a wait suspends this agent's turn as well; and what
/// failed, was called off or was parked is a failed call. Calling this agent's turn off calls off the other's.
public struct Subagent: Tool {
    /// What the model fills in.
    public struct Arguments: Codable, Sendable {
        /// The task, in words.
        public let message: String
    }

    /// The other agent. Its budgets are its own.
    public let agent: Agent
    /// The name the model calls it by.
    public let name: String
    /// What it can be asked for, for the model.
    public let description: String
    /// How long a turn may take within one invocation; nil for until shortly before its deadline.
    public let timeLimit: Duration?
    /// Its turn is a request with one id.
    public var effect: ToolEffect { .idempotent }

    /// How deep agents may be tools of each other. Each level holds a session while the next one works.
    public static let maximumDepth = 4

    /// Creates a tool. The agent is checked together with the one that has the tool.
    /// - Parameters:
    ///   - name: The name the model calls it by; by default the agent's.
    ///   - description: What it can be asked for, for the model.
    ///   - timeLimit: As Tool/timeLimit: a turn that takes longer within one invocation is called unknown.
    public init(_ agent: Agent, name: String? = nil, description: String, timeLimit: Duration? = nil) {
        self.agent = agent
        self.name = name ?? agent.name
        self.description = description
        self.timeLimit = timeLimit
    }

    /// Runs the other agent's turn, or what is left of it.
    public func call(arguments: Arguments, context: ToolContext) async throws -> String {
        guard let link = context.link else {
            throw AgentError(.invalidConfiguration, "an agent cannot be called without a session of another one")
        }
        let key = context.idempotencyKey
        let session = Self.session(of: context.session, key: key)
        var request = AgentRequest(session: session, id: key, content: .message(arguments.message))
        var round = 0
        // Requests that were answered in an earlier attempt are answered the same again.
        while true {
            switch try await answer(to: request, link, deadline: context.deadline) {
            case .completed(let reply): return reply
            case .failed(let reason): throw Ending("failed: \(reason)")
            case .cancelled: throw Ending("was called off.")
            case .parked(let reason): throw Ending("stopped: \(reason).")
            case .continuing, .queued: throw AttemptEnd(cause: nil)
            case .suspended(let until?): throw ToolSuspension(until: until)
            case .suspended(nil):
                // Signals are sent to sessions, and nobody knows this one.
                let cancel = AgentRequest(
                    session: session, id: "\(key)/cancel", content: .cancel(reason: "no signal can come"))
                _ = try await answer(to: cancel, link, deadline: context.deadline)
                throw Ending(
                    "was called off, because it waits for a signal, which only reaches the agent that is asked.")
            case .awaiting(let approvals):
                round += 1
                let decided = try await context.decisions(on: approvals, round: round)
                request = AgentRequest(
                    session: session, id: "\(key)/\(round)", content: decided.map { .decisions($0) } ?? .wake)
            }
        }
    }

    private func answer(
        to request: AgentRequest, _ link: SubagentLink, deadline: ContinuousClock.Instant?
    ) async throws -> Outcome {
        do {
            return try await link.runtime.answer(
                asSubagent: request, deadline: deadline, cutoff: link.cutoff, within: link.tally)
        } catch {
            if case .decisions = request.content, [.invalidEvent, .noSuchApproval].contains(error.code) {
                // What it still waits for, so that somebody decides again.
                let again = AgentRequest(session: request.session, id: "\(request.id)/again", content: .wake)
                return try await answer(to: again, link, deadline: deadline)
            }
            // Nothing is lost: this call runs again when the caller repeats the request.
            throw AttemptEnd(cause: error)
        }
    }

    /// The id of the session of a call: the key alone would do, the rest is for readers.
    static func session(of parent: String, key: String) -> String {
        var name = parent
        while name.utf8.count > SessionID.maximumLength - key.utf8.count - 1 { name.removeLast() }
        return "\(name).\(key)"
    }

    private struct Ending: Error, CustomStringConvertible {
        let description: String
        init(_ ending: String) { description = "The agent's turn \(ending)" }
    }
}

extension Agent {
    /// This agent as a tool of another one: see ``Subagent``.
    /// - Parameters:
    ///   - name: The name the model calls it by; by default the agent's.
    ///   - description: What it can be asked for, for the model.
    public func asTool(name: String? = nil, description: String) -> Subagent {
        Subagent(self, name: name, description: description)
    }
}

/// What a call needs to run another agent.
struct SubagentLink: Sendable {
    let runtime: AgentRuntime
    /// The call, in the session of the agent that made it.
    let position: CallPosition
    /// When the turn that the call belongs to is cancelled.
    let cutoff: ContinuousClock.Instant?
    /// Of that turn.
    let tally: TurnTally
}
