// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// The agent loop as a value: events go in, effects come out.
///
/// It does no input or output and knows no clock: whoever runs it performs the effects in the order given and feeds
/// back what happened. Recovery is the same path: feed the logged entries to ``replay(_:)``, then ``Event/resume``.
///
/// ```
///   input ─▶ handle ─▶ commit(input), callModel
///   reply ─▶ handle ─▶ commit(reply, claims), runTool …         or  commit(reply, outcome), finish
///   result ▶ handle ─▶ commit(result), callModel
/// ```
public struct AgentLoop: Sendable {
    /// What stays the same over all turns of a session.
    public struct Definition: Sendable {
        /// The random identity that the session was created with; idempotency keys derive from it.
        public var sessionIdentity: String
        /// The system prompt.
        public var instructions: String
        /// The tools, in the order in which the model is told of them.
        public var tools: [ToolSpecification]
        /// How many times the model may be asked for one input, at least 1. The last time it may not call tools, so
        /// that it has to answer.
        public var maximumModelCalls: Int

        /// Creates a definition.
        public init(
            sessionIdentity: String,
            instructions: String,
            tools: [ToolSpecification] = [],
            maximumModelCalls: Int = 16
        ) {
            self.sessionIdentity = sessionIdentity
            self.instructions = instructions
            self.tools = tools
            self.maximumModelCalls = max(1, maximumModelCalls)
        }
    }

    /// What stays the same.
    public let definition: Definition
    /// The fold of everything that happened so far.
    public private(set) var history = History()
    /// Calls whose tool this loop has asked to run and not heard of.
    private var running: Set<CallPosition> = []
    /// Whether this loop has asked the model and not heard of it.
    private var isAsking = false

    /// Creates the loop of an empty session.
    public init(_ definition: Definition) {
        self.definition = definition
    }

    /// Feeds an entry of the log, oldest first.
    public mutating func replay(_ entry: Entry) throws(LoopError) {
        try history.apply(entry)
    }

    /// Decides what is to be done about an event.
    ///
    /// Throws ``LoopError``, and then nothing has changed, in the loop or in the world.
    public mutating func handle(_ event: Event) throws(LoopError) -> [Effect] {
        var next = self
        let effects = try next.decide(event)
        self = next
        return effects
    }

    private mutating func decide(_ event: Event) throws(LoopError) -> [Effect] {
        switch event {
        case .input, .verdicts, .resume:
            // Whoever runs the effects of the event before would do everything that is under way once more.
            guard running.isEmpty, !isAsking else {
                throw LoopError(code: .unexpectedEvent, detail: "turn \(history.turn) is under way")
            }
        case .modelReplied, .modelRefused, .toolFinished:
            break
        }
        switch event {
        case .input(let request, let text):
            return try take(input: text, request: request)
        case .verdicts(let request, let verdicts):
            return try take(verdicts, request: request)
        case .resume:
            guard history.phase == .open else {
                throw LoopError(code: .nothingToResume, detail: "turn \(history.turn) is \(history.phase)")
            }
            return history.calls.isEmpty ? [askModel()] : try runCalls(recording: [])
        case .modelReplied(let reply):
            return try take(reply)
        case .modelRefused(let reason):
            guard isAsking else {
                throw LoopError(code: .unexpectedEvent, detail: "no model call is under way")
            }
            isAsking = false
            let entry = try record(.refusal(reason: reason))
            let outcome = Outcome.failed(reason: reason)
            return [.commit([entry], outcome: outcome), .finish(outcome)]
        case .toolFinished(let position, let result):
            guard running.remove(position) != nil else {
                throw LoopError(code: .unexpectedEvent, detail: "call \(position) is not running")
            }
            let entry = try record(.result(position, result))
            return proceed(recording: [entry])
        }
    }

    // MARK: - Inputs

    private mutating func take(input text: String, request: String) throws(LoopError) -> [Effect] {
        // An interrupted turn is still open: the message joins it, and both requests get its outcome.
        let turn = history.phase == .open ? history.turn : history.turn + 1
        var entries: [Entry] = []
        for open in history.calls where !open.isSettled {
            entries.append(try record(.result(open.position, .superseding(open.state)), turn: turn))
        }
        entries.append(try record(.input(request: request, text: text), turn: turn))
        return [.commit(entries, outcome: nil), askModel()]
    }

    private mutating func take(_ verdicts: [Verdict], request: String) throws(LoopError) -> [Effect] {
        let turn = history.turn + 1
        var entries: [Entry] = []
        for verdict in verdicts {
            guard history.phase == .awaiting || !entries.isEmpty,
                history.approvals.contains(where: { $0.position == verdict.position })
            else {
                throw LoopError(code: .noSuchApproval, detail: "call \(verdict.position) does not wait for a decision")
            }
            entries.append(try record(.decision(request: request, verdict), turn: turn))
            if !verdict.isApproved {
                entries.append(try record(.result(verdict.position, .rejected(verdict.reason)), turn: turn))
            }
        }
        guard !entries.isEmpty else {
            throw LoopError(code: .noSuchApproval, detail: "no decision was given")
        }
        return try runCalls(recording: entries)
    }

    // MARK: - The model

    private mutating func askModel() -> Effect {
        isAsking = true
        let isLast = history.repliesSinceInput + 1 >= definition.maximumModelCalls
        return .callModel(
            ModelRequest(
                instructions: definition.instructions,
                messages: history.messages,
                tools: definition.tools,
                allowsToolCalls: !isLast
            )
        )
    }

    private mutating func take(_ reply: ModelReply) throws(LoopError) -> [Effect] {
        guard isAsking else {
            throw LoopError(code: .unexpectedEvent, detail: "no model call is under way")
        }
        isAsking = false
        var reply = reply
        // The last reply of an input may not call tools; calls in it are the model's mistake.
        if history.repliesSinceInput + 1 >= definition.maximumModelCalls { reply.toolCalls = [] }
        let entry = try record(.reply(reply))
        guard reply.toolCalls.isEmpty else { return try runCalls(recording: [entry]) }
        let outcome = Outcome.completed(reply: reply.text)
        return [.commit([entry], outcome: outcome), .finish(outcome)]
    }

    // MARK: - Tool calls

    /// Starts, recovers or settles every open call that does not wait for a person.
    private mutating func runCalls(recording entries: [Entry]) throws(LoopError) -> [Effect] {
        var entries = entries
        var runs: [ToolRun] = []
        for open in history.calls {
            switch nextStep(of: open) {
            case .wait:
                continue
            case .record(let fact):
                entries.append(try record(fact))
            case .run(let run, let claim):
                if let claim { entries.append(try record(claim)) }
                running.insert(open.position)
                runs.append(run)
            }
        }
        return proceed(recording: entries, running: runs)
    }

    private enum CallStep {
        case wait
        case record(Entry.Fact)
        case run(ToolRun, claim: Entry.Fact?)
    }

    private func nextStep(of open: History.OpenCall) -> CallStep {
        let position = open.position
        var attempt = 1
        switch open.state {
        case .awaiting, .settled:
            return .wait
        case .claimed(.once, _), .claimed(.pure, _):
            return .record(.result(position, .unknown))
        case .claimed(.idempotent, let earlier):
            attempt = earlier + 1
        case .asked, .approved:
            break
        }
        guard let tool = definition.tools.first(where: { $0.name == open.call.name }) else {
            return .record(.result(position, attempt > 1 ? .unknown : .noSuchTool(among: definition.tools)))
        }
        // A later version of the agent may call the same tool a different thing: what is "once" now is not run again.
        if attempt > 1, tool.effect == .once { return .record(.result(position, .unknown)) }
        let arguments: JSONValue
        let requirement: ApprovalRequirement
        do {
            // Models leave the text empty for a tool without arguments.
            arguments = try JSONValue(parsing: (open.call.arguments.isEmpty ? "{}" : open.call.arguments).utf8)
            requirement = try tool.review(arguments)
        } catch {
            return .record(.result(position, attempt > 1 ? .unknown : .badArguments(error)))
        }
        if case .required(let reason) = requirement, open.state == .asked {
            return .record(.approvalRequest(position, reason: reason))
        }
        let key = SHA256.hexDigest(of: "\(definition.sessionIdentity)/\(position)").prefix(32)
        let run = ToolRun(
            position: position, tool: tool.name, arguments: arguments, idempotencyKey: String(key), steps: open.steps)
        guard tool.effect != .pure else { return .run(run, claim: nil) }
        return .run(run, claim: .claim(position, tool: tool.name, effect: tool.effect, attempt: attempt))
    }

    // MARK: - What follows

    private mutating func record(_ fact: Entry.Fact, turn: Int? = nil) throws(LoopError) -> Entry {
        let entry = Entry(turn: turn ?? history.turn, fact: fact)
        try history.apply(entry)
        return entry
    }

    private mutating func proceed(recording entries: [Entry], running runs: [ToolRun] = []) -> [Effect] {
        var effects: [Effect] = []
        if running.isEmpty, history.phase == .awaiting {
            let outcome = Outcome.awaiting(history.approvals)
            return [.commit(entries, outcome: outcome), .finish(outcome)]
        }
        if !entries.isEmpty { effects.append(.commit(entries, outcome: nil)) }
        effects += runs.map(Effect.runTool)
        if running.isEmpty { effects.append(askModel()) }
        return effects
    }
}
