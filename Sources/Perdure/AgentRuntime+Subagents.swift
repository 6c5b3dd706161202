// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Logging
import SessionStore

extension AgentRuntime {
    /// What runs an agent that is a tool.
    /// - Parameter isWoken: Whether somebody invokes the function again where the turn above is put off.
    static func runtime(
        for subagent: Subagent, store: SessionStore, isWoken: Bool, logger: Logger,
        metrics: EmbeddedMetrics?, below levels: ArraySlice<SubagentSlots>
    ) throws(AgentError) -> AgentRuntime {
        guard let slots = levels.first else {
            throw AgentError(
                .invalidConfiguration,
                "agents are tools of each other more than \(Subagent.maximumDepth) deep, at \(subagent.name)")
        }
        return try AgentRuntime(
            subagent.agent, store: store, wakes: isWoken ? .ofTheTurnAbove : nil, logger: logger, metrics: metrics,
            slots: slots,
            below: levels.dropFirst())
    }

    /// Answers an agent whose tool this one is, within that one's turn: cancelled together with it, and put off as it is.
    /// - Parameter above: That one's. What is done here is done there.
    func answer(
        asSubagent request: AgentRequest, deadline: ContinuousClock.Instant?, cutoff: ContinuousClock.Instant?,
        within above: TurnTally
    ) async throws(AgentError) -> Outcome {
        let tally = TurnTally(agent: agent.name, observer: agent.observer)
        defer { if tally.hasProgress { above.markProgress() } }
        do {
            let outcome = try await tally.observeTurn {
                guard let slots else { return try await attempt(request, deadline: deadline, cutoff: cutoff, tally) }
                return try await slots.holding {
                    try await attempt(request, deadline: deadline, cutoff: cutoff, tally)
                }
            }
            log(outcome.name, request.session, tally)
            return outcome
        } catch {
            let error = AgentError(error)
            log("failed", request.session, tally, error.code)
            throw error
        }
    }
}

extension TurnRunner {
    /// Calls off what agents do for calls that an event settles without them: before it is recorded, so that it is done
    /// again after a crash in between.
    func callOffSubagents(before event: Event) async throws(AgentError) {
        let reason: String?
        switch event {
        case .cancel(_, let given): reason = given
        case .input: reason = "the user sent another message."
        default: return
        }
        for open in loop.history.calls {
            guard case .claimed = open.state, let runtime = surroundings.subagents[open.call.name] else { continue }
            let key = loop.definition.idempotencyKey(of: open.position)
            let request = AgentRequest(
                session: Subagent.session(of: surroundings.session.rawValue, key: key), id: "\(key)/cancel",
                content: .cancel(reason: reason))
            do throws(AgentError) {
                _ = try await runtime.answer(
                    asSubagent: request, deadline: nil, cutoff: surroundings.cutoff, within: surroundings.tally)
            } catch {
                // It has ended, or never begun; or it was called off before, for another reason.
                guard [.nothingToResume, .noSuchApproval, .reusedID].contains(error.code) else { throw error }
            }
        }
    }
}

extension Wakes {
    /// Those of an agent that is a tool: the turn above it is put off with it, and wakes it.
    fileprivate static let ofTheTurnAbove = Wakes(
        invoke: { _ in },
        schedule: { _, _, event in
            guard event["schedule"] == nil else {
                throw InvalidStep(description: "An agent that is a tool gets no messages: nothing was scheduled.")
            }
        })
}

extension SubagentSlots {
    /// One for each depth.
    static func levels() -> ArraySlice<SubagentSlots> {
        (0..<Subagent.maximumDepth).map { _ in SubagentSlots() }[...]
    }
}
