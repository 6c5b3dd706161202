// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
public import Logging
public import SessionStore

/// Runs an agent's turns: performs the effects that the loop decides on, in the order in which it decides.
///
/// ```
/// AgentRequest ─▶ lease session ─▶ replay log ─▶ AgentLoop ⇄ commit │ model │ tools ─▶ release ─▶ AgentResponse
/// ```
///
/// Nothing is answered before the commit that the answer depends on is durable, and the lease is released before the
/// answer is returned, whether the turn succeeds or not. The store may keep the session open, unlocked, for its next turn.
public struct AgentRuntime: Sendable {
    private let agent: Agent
    private let name: AgentName
    private let tools: [String: RegisteredTool]
    private let specifications: [ToolSpecification]
    private let store: SessionStore
    private let sharedMemory: SharedMemory
    private let logger: Logger

    /// Time kept back before a deadline, to release the session and to answer.
    public static let reserve = Duration.milliseconds(500)

    /// Checks an agent's definition and gets ready to run it.
    ///
    /// Throws ``AgentError/Code/invalidConfiguration`` when the name, a tool or the model's settings are not usable.
    public init(_ agent: Agent, store: SessionStore, logger: Logger = Logger(label: "perdure")) throws(AgentError) {
        self.store = store
        self.logger = logger
        do {
            name = try AgentName(agent.name)
            try agent.model.checkConfiguration()
        } catch {
            throw AgentError(.invalidConfiguration, "the agent cannot be used: \(error)")
        }
        var agent = agent
        if let cache = agent.responseCache {
            agent.model = try CachingModel(agent.model, cache, of: name, in: store, logger: logger)
        }
        self.agent = agent
        var tools: [String: RegisteredTool] = [:]
        var specifications: [ToolSpecification] = []
        for tool in agent.tools {
            let registered: RegisteredTool
            do {
                registered = try RegisteredTool(tool)
            } catch {
                throw AgentError(.invalidConfiguration, "the tool \(tool.name) has no usable schema: \(error)")
            }
            guard tools.updateValue(registered, forKey: tool.name) == nil else {
                throw AgentError(.invalidConfiguration, "two tools are named \(tool.name)")
            }
            guard isPlainName(tool.name) else {
                throw AgentError(
                    .invalidConfiguration,
                    "\"\(tool.name)\" is no name for a tool: 1 to 64 letters, digits, _ and - of ASCII"
                )
            }
            specifications.append(registered.specification)
        }
        self.tools = tools
        self.specifications = specifications
        sharedMemory = SharedMemory(store, of: name)
        // How long a session stays busy after its sandbox was destroyed.
        if let fileSystem = store.fileSystem, fileSystem.isNFS {
            var metadata: Logger.Metadata = ["fileSystem": "\(fileSystem.type)"]
            if let lease = fileSystem.leaseTime { metadata["leaseSeconds"] = "\(lease.components.seconds)" }
            logger.info("session store opened", metadata: metadata)
        }
    }

    /// Runs one turn.
    ///
    /// A request id that the session has answered before gets the same answer again, and nothing runs. One whose turn
    /// was interrupted goes on where the log ends.
    ///
    /// One line is logged at `info` when it ends, well or not: `outcome` (`completed`, `awaiting` or `failed`),
    /// `session`, `modelCalls`, `toolRuns`, `durationMs`, and `failure`, the type of the error, where it failed.
    /// - Parameters:
    ///   - deadline: When the invocation ends. ``reserve`` before it, the turn is cancelled.
    ///   - onProgress: Receives the pieces of the model's text as they arrive, and the names of tools that begin to run,
    ///     in order. It is called between reading two pieces, so what blocks it holds the session.
    /// - Returns: The response, once everything in it is durable.
    public func respond(
        to request: AgentRequest,
        deadline: ContinuousClock.Instant? = nil,
        onProgress: @escaping @Sendable (TurnProgress) -> Void = { _ in }
    ) async throws(AgentError) -> AgentResponse {
        let cutoff = deadline?.advanced(by: .zero - Self.reserve)
        let tally = TurnTally()
        let outcome: Outcome
        do {
            let session = try SessionID(request.session)
            outcome = try await withCutoff(cutoff) {
                try await holdingLease(of: session, for: request, until: cutoff) { lane, opened in
                    if let earlier = opened.request {
                        guard request.isRepeated(in: opened.entries) else { throw AgentError.reusedID }
                        if let settled = earlier.outcome {
                            // The outcome may have been read from a page that no sync has put onto the disk yet.
                            try await lane.confirm()
                            return settled
                        }
                    }
                    let turn = Turn(
                        lane: lane, session: session, deadline: deadline, tally: tally, onProgress: onProgress)
                    return try await run(turn, from: opened, for: request)
                }
            }
        } catch {
            let error = AgentError(error)
            // An id that is refused may be anything, even a text of the conversation.
            let session = error.code == .invalidSession ? nil : request.session
            log("failed", session, tally, error.code)
            throw error
        }
        log(outcome.name, request.session, tally)
        return AgentResponse(session: request.session, id: request.id, outcome: outcome)
    }

    /// Writes the one line of a turn. Texts of the conversation, tool arguments and errors' details stay out of it.
    private func log(_ outcome: String, _ session: String?, _ tally: TurnTally, _ failure: AgentError.Code? = nil) {
        // Nothing of it is made when the level is not written: the metadata are an autoclosure.
        logger.info("turn \(outcome)", metadata: tally.metadata(outcome, session, failure))
    }

    /// What stays the same over the steps of a turn.
    private struct Turn: Sendable {
        let lane: SessionLane
        let session: SessionID
        let deadline: ContinuousClock.Instant?
        let tally: TurnTally
        let onProgress: @Sendable (TurnProgress) -> Void
    }

    private func holdingLease(
        of session: SessionID,
        for request: AgentRequest,
        until cutoff: ContinuousClock.Instant?,
        _ body: (SessionLane, SessionLane.Opened) async throws -> Outcome
    ) async throws -> Outcome {
        let lane = SessionLane()
        let patience = cutoff ?? .now.advanced(by: .seconds(30))
        let opened = try await lane.open(
            session,
            of: name,
            in: store,
            request: request.id,
            creating: request.isMessage,
            until: patience
        )
        let outcome: Outcome
        do {
            outcome = try await body(lane, opened)
        } catch {
            do {
                try await lane.close()
            } catch let releaseError {
                logger.error("a session could not be released", metadata: ["error": "\(releaseError)"])
            }
            throw error
        }
        // The outcome is durable: a failing release is reported to the log, not in place of the answer.
        do {
            try await lane.close()
        } catch {
            logger.error("a session could not be released", metadata: ["error": "\(error)"])
        }
        return outcome
    }

    private func run(_ turn: Turn, from opened: SessionLane.Opened, for request: AgentRequest) async throws -> Outcome {
        var loop = AgentLoop(
            .init(
                sessionIdentity: opened.identity,
                instructions: agent.instructions,
                tools: specifications,
                maximumModelCalls: agent.maximumModelCalls
            )
        )
        for entry in opened.entries { try loop.replay(entry) }
        var effects = try loop.handle(opened.request == nil ? request.event : .resume)
        while true {
            let step = try await commit(effects, of: turn)
            switch step {
            case .finish(let outcome):
                return outcome
            case .callModel(let modelRequest):
                turn.tally.countModelCall()
                let number = turn.tally.modelCalls
                do {
                    let reply = try await agent.model.reply(to: modelRequest) { text in
                        turn.onProgress(.text(text, step: number))
                    }
                    try Task.checkCancellation()
                    effects = try loop.handle(.modelReplied(reply))
                } catch let error as ModelError where error.code == .refused {
                    effects = try loop.handle(.modelRefused(reason: error.description))
                }
            case .runTools(let runs):
                turn.tally.countToolRuns(runs.count)
                turn.onProgress(.tools(names: runs.map(\.tool)))
                effects = try await run(runs, of: turn, in: &loop)
            }
        }
    }

    /// The one thing that is left to do once the commits among some effects are made.
    private enum Step {
        case callModel(ModelRequest)
        case runTools([ToolRun])
        case finish(Outcome)
    }

    private func commit(_ effects: [Effect], of turn: Turn) async throws -> Step {
        var runs: [ToolRun] = []
        // A claim that is made when the time is up would count as a call that may have taken effect.
        if effects.contains(where: \.isToolRun) { try Task.checkCancellation() }
        for effect in effects {
            switch effect {
            case .commit(let entries, let outcome): try await turn.lane.append(entries, outcome: outcome)
            case .runTool(let run): runs.append(run)
            case .callModel(let request): return .callModel(request)
            case .finish(let outcome): return .finish(outcome)
            }
        }
        return .runTools(runs)
    }

    /// Runs tools in parallel. Each result is durable as soon as its tool ends, whatever happens to its siblings.
    private func run(_ runs: [ToolRun], of turn: Turn, in loop: inout AgentLoop) async throws -> [Effect] {
        let number = loop.history.turn
        return try await withThrowingTaskGroup(of: (CallPosition, ToolResult?).self) { group in
            for run in runs {
                let tool = tools[run.tool]
                group.addTask {
                    guard let tool else { return (run.position, .vanished) }
                    let context = ToolContext(
                        session: turn.session.rawValue,
                        idempotencyKey: run.idempotencyKey,
                        deadline: turn.deadline,
                        recorded: run.steps,
                        memory: MemoryAccess(
                            lane: turn.lane, shared: sharedMemory, position: run.position, turn: number)
                    ) { name, value in
                        let fact = Entry.Fact.step(run.position, name: name, value: value)
                        try await turn.lane.append([Entry(turn: number, fact: fact)], outcome: nil)
                    }
                    return (run.position, await tool.result(of: run, context: context))
                }
            }
            var remaining: [Effect] = []
            var isInterrupted = false
            for try await (position, result) in group {
                guard let result else {
                    // Siblings may still end with a result, which is not to be lost.
                    isInterrupted = true
                    continue
                }
                for effect in try loop.handle(.toolFinished(position, result)) {
                    if case .commit(let entries, nil) = effect {
                        try await turn.lane.append(entries, outcome: nil)
                    } else {
                        remaining.append(effect)
                    }
                }
            }
            if isInterrupted { throw CancellationError() }
            return remaining
        }
    }
}

extension Effect {
    fileprivate var isToolRun: Bool { if case .runTool = self { true } else { false } }
}
