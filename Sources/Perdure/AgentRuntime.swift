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
    let agent: Agent
    let name: AgentName
    private let tools: [String: RegisteredTool]
    private let specifications: [ToolSpecification]
    let store: SessionStore
    private let sharedMemory: SharedMemory
    let logger: Logger
    private let metrics: EmbeddedMetrics?
    /// What runs the tools that are agents.
    let subagents: [String: AgentRuntime]
    /// Where this is one of them.
    let slots: SubagentSlots?
    let wakes: Wakes?
    private let times = StepTimes()

    /// Time kept back before a deadline, to release the session and to answer.
    public static let reserve = Duration.milliseconds(500)
    /// Time kept back besides where the function can be invoked again: for one request to the service that does it.
    public static let wakeReserve = Duration.milliseconds(500)

    /// Checks an agent's definition and gets ready to run it.
    ///
    /// Throws ``AgentError/Code/invalidConfiguration`` when the name, a tool or the model's settings are not usable.
    /// - Parameter wakes: What invokes the function again. Without, a turn whose time is up fails with
    ///   ``AgentError/Code/deadlineExceeded`` and goes on when its request is repeated, and one that waits does so for
    ///   whoever repeats its request.
    public init(
        _ agent: Agent,
        store: SessionStore,
        wakes: Wakes? = nil,
        logger: Logger = Logger(label: "perdure")
    ) throws(AgentError) {
        try self.init(agent, store: store, wakes: wakes, logger: logger, metrics: nil)
    }

    init(
        _ agent: Agent,
        store: SessionStore,
        wakes: Wakes? = nil,
        logger: Logger = Logger(label: "perdure"),
        metrics: EmbeddedMetrics?
    ) throws(AgentError) {
        try self.init(
            agent, store: store, wakes: wakes, logger: logger, metrics: metrics, slots: nil,
            below: SubagentSlots.levels())
        // How long a session stays busy after its sandbox was destroyed.
        if let fileSystem = store.fileSystem, fileSystem.isNFS {
            var metadata: Logger.Metadata = ["fileSystem": "\(fileSystem.type)"]
            if let lease = fileSystem.leaseTime { metadata["leaseSeconds"] = "\(lease.components.seconds)" }
            logger.info("session store opened", metadata: metadata)
        }
    }

    /// - Parameters:
    ///   - slots: Of this agent, where it is another one's tool.
    ///   - levels: Those of the agents below it.
    init(
        _ agent: Agent, store: SessionStore, wakes: Wakes?, logger: Logger, metrics: EmbeddedMetrics?,
        slots: SubagentSlots?, below levels: ArraySlice<SubagentSlots>
    ) throws(AgentError) {
        self.slots = slots
        self.metrics = metrics
        self.store = store
        self.wakes = wakes
        self.logger = logger
        do {
            name = try AgentName(agent.name)
            for model in [agent.model] + agent.context.models { try model.checkConfiguration() }
        } catch {
            throw AgentError(.invalidConfiguration, "the agent cannot be used: \(error)")
        }
        if let problem = agent.context.problem { throw AgentError(.invalidConfiguration, problem) }
        sharedMemory = SharedMemory(store, of: name)
        var agent = agent
        if let cache = agent.responseCache {
            agent.model = try CachingModel(agent.model, cache, of: name, in: store, logger: logger)
        }
        self.agent = agent
        var tools: [String: RegisteredTool] = [:]
        var specifications: [ToolSpecification] = []
        var subagents: [String: AgentRuntime] = [:]
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
            if let subagent = tool as? Subagent {
                subagents[tool.name] = try Self.runtime(
                    for: subagent, store: store, isWoken: wakes != nil, logger: logger, metrics: metrics, below: levels)
            }
        }
        self.tools = tools
        self.specifications = specifications
        self.subagents = subagents
    }

    /// Runs one turn.
    ///
    /// A request id that the session has answered before gets the same answer again, and nothing runs. One whose turn
    /// was interrupted goes on where the log ends. A session that is busy is dealt with by ``Agent/whenBusy``.
    ///
    /// One line is logged at `info` when it ends, well or not: `outcome` (`completed`, `awaiting`, `suspended`, `continuing`,
    /// `parked`, `cancelled`, `queued` or `failed`), `session`, `modelCalls`, `toolRuns`, `inputTokens`, `outputTokens`,
    /// `durationMs`, and `failure`, the type of the error, where it failed.
    /// - Parameters:
    ///   - deadline: When the invocation ends. ``reserve`` before it, the turn is cancelled; it is put off before where it
    ///     can go on in another invocation, and a step would take longer than there is time.
    ///   - onProgress: Receives the pieces of the model's text as they arrive, and the names of tools that begin to run,
    ///     in order. It is called between reading two pieces, so what blocks it holds the session.
    /// - Returns: The response, once everything in it is durable.
    public func respond(
        to request: AgentRequest,
        deadline: ContinuousClock.Instant? = nil,
        onProgress: @escaping @Sendable (TurnProgress) -> Void = { _ in }
    ) async throws(AgentError) -> AgentResponse {
        try await respond(to: request, deadline: deadline, showing: nil, onProgress: onProgress)
    }

    /// - Parameter live: What is ended before the session is released.
    func respond(
        to request: AgentRequest,
        deadline: ContinuousClock.Instant?,
        showing live: LiveTextWriter?,
        onProgress: @escaping @Sendable (TurnProgress) -> Void
    ) async throws(AgentError) -> AgentResponse {
        let reserve = wakes == nil ? Self.reserve : Self.reserve + Self.wakeReserve
        let cutoff = deadline?.advanced(by: .zero - reserve)
        let tally = TurnTally(agent: agent.name, observer: agent.observer)
        let outcome: Outcome
        do {
            outcome = try await tally.observeTurn {
                let ended = try await withCutoff(cutoff) {
                    try await attempt(
                        request, deadline: deadline, cutoff: cutoff, tally, showing: live, onProgress: onProgress)
                }
                return try await seenTo(ended, of: request, tally, until: deadline)
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

    /// One attempt at the turn that a request is about.
    func attempt(
        _ request: AgentRequest,
        deadline: ContinuousClock.Instant?,
        cutoff: ContinuousClock.Instant?,
        _ tally: TurnTally,
        showing live: LiveTextWriter? = nil,
        onProgress: @escaping @Sendable (TurnProgress) -> Void = { _ in }
    ) async throws -> Outcome {
        let session = try SessionID(request.session)
        return try await holdingLease(of: session, for: request, until: cutoff, tally, showing: live) { lane, opened in
            let loop = try loop(from: opened)
            let mailbox = Mailbox(lane, of: session, policy: whenBusy)
            let isUnderWay = [.open, .suspended, .awaiting].contains(loop.history.phase)
            try await mailbox.open(isUnderWay: isUnderWay)
            let trail = RequestTrail(of: request.id, in: opened.entries)
            var turn = TurnRunner(
                loop,
                in: TurnRunner.Surroundings(
                    model: agent.model, tools: tools, subagents: subagents, wakes: wakes, times: times, lane: lane,
                    mailbox: mailbox, sharedMemory: sharedMemory, session: session, deadline: deadline, cutoff: cutoff,
                    tally: tally, now: store.now, earlier: trail.steps, onProgress: onProgress)
            )
            let result: Result<Outcome, any Error>
            do {
                if let after = request.after, !trail.allows(after) { throw AgentError.invalidCursor }
                switch try TurnStart(
                    request, opened, loop.history, joinsMessages: agent.joinsMessages, at: store.now())
                {
                case .answered(let outcome):
                    // It may have been read from a page that no sync has put onto the disk yet.
                    try await lane.confirm()
                    tally.markReplay()
                    if request.after != nil { trail.progress.forEach(onProgress) }
                    result = .success(outcome)
                case .early(let outcome, let due):
                    try await lane.confirm()
                    // That wake is spent: what asked for it has to be woken by another one.
                    try await wakeAgain(session, turn: loop.history.turn, at: due)
                    tally.markReplay()
                    result = .success(outcome)
                case .run(let event):
                    // An earlier holder was asked for it, and does not mean the message that comes now.
                    if case .input = event, isUnderWay, let cancellation = mailbox.cancellation {
                        _ = try await turn.run(cancellation)
                        mailbox.dropCancellation()
                    }
                    trail.progress.forEach(onProgress)
                    result = .success(try await turn.run(event))
                }
            } catch {
                result = .failure(error)
            }
            await live?.end()
            let outcome = try await finish(&turn, after: result, lane, mailbox)
            // A workflow that is parked takes no input: it would be sent again and again.
            if agent.joinsMessages || turn.history.phase == .idle {
                await deliver(turn.overdueMessages, to: session, until: deadline)
            }
            return outcome
        }
    }

    /// Writes the one line of a turn. Texts of the conversation, tool arguments and errors' details stay out of it.
    func log(_ outcome: String, _ session: String?, _ tally: TurnTally, _ failure: AgentError.Code? = nil) {
        // Nothing of it is made when the level is not written: the metadata are an autoclosure.
        logger.info("turn \(outcome)", metadata: tally.metadata(outcome, session, failure))
        metrics?.write(outcome, tally, agent: agent.name, at: store.now())
    }

    private func holdingLease(
        of session: SessionID,
        for request: AgentRequest,
        until cutoff: ContinuousClock.Instant?,
        _ tally: TurnTally,
        showing live: LiveTextWriter?,
        _ body: (SessionLane, SessionLane.Opened) async throws -> Outcome
    ) async throws -> Outcome {
        let lane = SessionLane()
        let patience = cutoff ?? .now.advanced(by: .seconds(30))
        let waited = try await tally.observe(.lease) {
            try await open(session, on: lane, for: request, until: patience)
        }
        guard let opened = waited else { return .queued }
        let outcome: Outcome
        do {
            outcome = try await body(lane, opened)
        } catch {
            await live?.end()
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

    /// The loop as the log has left it.
    func loop(from opened: SessionLane.Opened) throws -> AgentLoop {
        var definition = AgentLoop.Definition(
            sessionIdentity: opened.identity,
            instructions: agent.instructions,
            tools: specifications,
            maximumModelCalls: agent.maximumModelCalls
        )
        definition.maximumParallelTools = agent.maximumParallelTools
        definition.turnBudget = agent.turnBudget
        definition.sessionBudget = agent.sessionBudget
        definition.price = agent.price
        definition.context = agent.context
        definition.maximumInterruptions = agent.maximumInterruptions
        definition.created = opened.created
        var loop = AgentLoop(definition)
        for entry in opened.entries { try loop.replay(entry) }
        return loop
    }

    /// The outcome is durable: what fails here is reported to the log, and tried again when the next turn ends.
    private func deliver(
        _ messages: [ScheduledMessage], to session: SessionID, until deadline: ContinuousClock.Instant?
    ) async {
        guard let wakes, !messages.isEmpty else { return }
        do {
            try await inReserve(until: deadline) { try await wakes.deliver(messages, to: session.rawValue) }
        } catch {
            logger.error("a message that is due could not be delivered", metadata: ["error": "\(error)"])
        }
    }

    private func wakeAgain(_ session: SessionID, turn: Int, at due: Int64) async throws {
        do {
            try await wakes?.wakeAgain(session.rawValue, turn: turn, at: due)
        } catch {
            throw AgentError.wakeFailed(error)
        }
    }

    /// Has the turn gone on with, where it is to.
    private func seenTo(
        _ outcome: Outcome, of request: AgentRequest, _ tally: TurnTally, until deadline: ContinuousClock.Instant?
    ) async throws -> Outcome {
        guard outcome == .continuing else { return outcome }
        if Task.isCancelled { throw AgentError.cancelled }
        let fruitless = tally.hasProgress ? 0 : request.fruitless + 1
        // Something takes longer than an invocation lasts, each time: that would go on, and cost, for ever.
        guard let wakes, fruitless <= agent.maximumInterruptions else { throw AgentError.late }
        do {
            try await inReserve(until: deadline) { try await wakes.goOn(with: request, fruitless: fruitless) }
        } catch {
            throw AgentError.wakeFailed(error)
        }
        return outcome
    }

    /// Asks a service for something, also where the time for the turn is up and its task is cancelled. A service that does not
    /// answer costs an error, and not the sandbox.
    func inReserve(
        until deadline: ContinuousClock.Instant?, _ request: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await Task { try await withCutoff(deadline?.advanced(by: .zero - Self.reserve / 2), request) }.value
    }
}
