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
    /// What stays the same.
    public let definition: Definition
    /// The fold of everything that happened so far.
    public private(set) var history = History()
    /// Calls whose tool this loop has asked to run and not heard of.
    private var running: Set<CallPosition> = []
    /// Whether this loop has asked the model and not heard of it.
    private var isAsking = false
    /// What is to be left out once its summary is written, which this loop has asked for and not heard of.
    var pendingCut: Compaction?
    /// Calls whose tool waits, and until when.
    private var waiting: [CallPosition: Int64?] = [:]
    /// The time of the event that is being decided on.
    var time: Int64 = 0
    /// Whether the event that is being decided on may start a step.
    private var mayStart = true

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
    /// - Parameters:
    ///   - time: When it happened, in milliseconds since 1970. Approvals expire by it, and sessions age.
    ///   - startingSteps: Whether there is time for another step. Without, the turn is put off where it would begin one:
    ///     ``Outcome/continuing``.
    public mutating func handle(
        _ event: Event,
        at time: Int64 = 0,
        startingSteps: Bool = true
    ) throws(LoopError) -> [Effect] {
        var next = self
        next.time = time
        next.mayStart = startingSteps
        let effects = try next.decide(event)
        self = next
        return effects
    }

    private mutating func decide(_ event: Event) throws(LoopError) -> [Effect] {
        switch event {
        case .input, .verdicts, .resume, .release, .signal:
            // Whoever runs the effects of the event before would do everything that is under way once more.
            guard running.isEmpty, waiting.isEmpty, !isAsking, pendingCut == nil else {
                throw LoopError(code: .unexpectedEvent, detail: "turn \(history.turn) is under way")
            }
        case .steer:
            guard isAsking, running.isEmpty, waiting.isEmpty else {
                throw LoopError(code: .unexpectedEvent, detail: "no model call is about to begin")
            }
            isAsking = false
        case .timeUp, .cancel:
            running = []
            waiting = [:]
            isAsking = false
            pendingCut = nil
        case .modelReplied, .modelRefused, .summarised, .summaryRefused, .toolFinished, .toolSuspended:
            break
        }
        switch event {
        case .input(let request, let text), .steer(let request, let text):
            return try take(input: text, request: request)
        case .verdicts(let request, let verdicts):
            return try take(verdicts, request: request)
        case .resume:
            return try resume()
        case .release(let request):
            return try release(by: request)
        case .signal(let request, let name, let value):
            return try take(signal: name, value, request: request)
        case .cancel(let request, let reason):
            return try cancel(by: request, reason: reason)
        case .timeUp:
            guard history.phase == .open, history.pause == nil else {
                throw LoopError(code: .unexpectedEvent, detail: "turn \(history.turn) is not under way")
            }
            return try putOff(recording: [])
        case .modelReplied(let reply):
            return try take(reply)
        case .modelRefused(let reason):
            guard isAsking else {
                throw LoopError(code: .unexpectedEvent, detail: "no model call is under way")
            }
            isAsking = false
            let entry = try record(.refusal(reason: reason))
            return end([entry], as: .failed(reason: reason))
        case .summarised(let reply):
            return try takeSummary(reply)
        case .summaryRefused:
            return try takeSummary(nil)
        case .toolFinished(let position, let result):
            try stop(position)
            return try runCalls(recording: [record(.result(position, result))])
        case .toolSuspended(let position, let until):
            try stop(position)
            waiting[position] = .some(until)
            return try runCalls(recording: [])
        }
    }

    // MARK: - What comes from outside

    private mutating func take(input text: String, request: String) throws(LoopError) -> [Effect] {
        // A turn that was interrupted, or waits, is still open: the message joins it, and both requests get its outcome.
        let turn = nextTurn
        var entries = try settleOpenCalls(in: turn)
        entries.append(try record(.input(request: request, text: text), turn: turn))
        return try askModel(recording: entries)
    }

    private mutating func take(_ verdicts: [Verdict], request: String) throws(LoopError) -> [Effect] {
        let turn = nextTurn
        // Nothing but a release, or another message, sets a parked turn going.
        guard history.phase != .parked else {
            throw LoopError(code: .noSuchApproval, detail: "turn \(history.turn) is parked, and takes no decision")
        }
        var entries: [Entry] = []
        for verdict in verdicts where verdict.path.isEmpty {
            guard let approval = history.approvals.first(where: { $0.position == verdict.position }) else {
                throw LoopError(code: .noSuchApproval, detail: "call \(verdict.position) does not wait for a decision")
            }
            try check(verdict, on: approval)
            let verdict = hasExpired(approval) ? Verdict.expired(verdict.position) : verdict
            entries.append(try record(.decision(request: request, verdict), turn: turn))
            if !verdict.isApproved {
                entries.append(try record(.result(verdict.position, .rejected(verdict.reason)), turn: turn))
            }
        }
        for (name, value) in try signals(for: verdicts.filter { !$0.path.isEmpty }) {
            entries.append(try record(.signal(request: request, name: name, value: value), turn: turn))
        }
        guard !entries.isEmpty else {
            throw LoopError(code: .noSuchApproval, detail: "no decision was given")
        }
        return try runCalls(recording: entries)
    }

    /// Arguments of a person's making are as wrong as a model's where they do not fit, and it can be told at once.
    private func check(_ verdict: Verdict, on approval: Approval) throws(LoopError) {
        guard verdict.isApproved, let arguments = verdict.arguments,
            let tool = definition.tools.first(where: { $0.name == approval.call.name })
        else { return }
        do {
            _ = try tool.review(JSONValue(parsing: arguments.utf8))
        } catch {
            throw LoopError(
                code: .badDecision,
                detail: "the arguments for call \(verdict.position) do not fit the tool \(tool.name)")
        }
    }

    private func hasExpired(_ approval: Approval) -> Bool { approval.expires.map { time >= $0 } ?? false }

    private mutating func take(
        signal name: String, _ value: JSONValue, request: String
    ) throws(LoopError) -> [Effect] {
        guard history.phase != .idle else {
            throw LoopError(code: .nothingToResume, detail: "no turn is open that could wait for a signal")
        }
        guard !InnerApprovals.isName(name) else {
            throw LoopError(code: .badDecision, detail: "a signal of that name is a decision, and is sent as one")
        }
        let entry = try record(.signal(request: request, name: name, value: value), turn: nextTurn)
        // It is kept for when the turn goes on.
        if let reason = history.parkReason { return end([entry], as: .parked(reason: reason)) }
        return try runCalls(recording: [entry])
    }

    private mutating func cancel(by request: String, reason: String?) throws(LoopError) -> [Effect] {
        guard history.phase != .idle else {
            throw LoopError(code: .nothingToResume, detail: "no turn is open that could be called off")
        }
        let turn = nextTurn
        var entries = try settleOpenCalls(in: turn)
        entries.append(try record(.cancel(request: request, reason: reason), turn: turn))
        return end(entries, as: .cancelled)
    }

    /// The turn that a request from outside belongs to.
    private var nextTurn: Int { history.isSettled ? history.turn + 1 : history.turn }

    /// Nothing of the newest reply runs any more.
    private mutating func settleOpenCalls(in turn: Int) throws(LoopError) -> [Entry] {
        var entries: [Entry] = []
        for open in history.calls where !open.isSettled {
            entries.append(try record(.result(open.position, .superseding(open.state)), turn: turn))
        }
        return entries
    }

    // MARK: - Going on

    /// The request was here before: the turn goes on where the log ends, if it may.
    private mutating func resume() throws(LoopError) -> [Effect] {
        switch (history.phase, history.pause) {
        case (.suspended, .waiting(let until)?) where until.map({ time < $0 }) ?? true:
            return [.finish(history.waitingOutcome(until: until))]
        case (.suspended, _), (.open, .stopped?), (.awaiting, .stopped?):
            return try goOn(recording: [record(.attempt(.continued))])
        case (.open, _):
            // The entry is durable before anything is tried again: what kills every attempt is stopped by counting.
            let entry = try record(.attempt(.interrupted))
            if history.interruptions > definition.maximumInterruptions {
                return try park("the turn was interrupted \(history.interruptions) times", recording: [entry])
            }
            return try goOn(recording: [entry])
        case (.idle, _), (.awaiting, _), (.parked, _):
            throw LoopError(code: .nothingToResume, detail: "turn \(history.turn) is \(history.phase)")
        }
    }

    private mutating func release(by request: String) throws(LoopError) -> [Effect] {
        let expired = history.approvals.filter(hasExpired)
        switch history.phase {
        case .idle:
            throw LoopError(code: .nothingToResume, detail: "turn \(history.turn) is complete")
        case .awaiting where expired.isEmpty:
            throw LoopError(code: .nothingToResume, detail: "turn \(history.turn) waits for decisions")
        case .awaiting, .open, .suspended, .parked:
            break
        }
        let turn = nextTurn
        var entries = [try record(.attempt(.released(request: request)), turn: turn)]
        for approval in expired {
            let reason = Verdict.expired(approval.position).reason
            entries.append(try record(.result(approval.position, .rejected(reason)), turn: turn))
        }
        return try goOn(recording: entries)
    }

    private mutating func goOn(recording entries: [Entry]) throws(LoopError) -> [Effect] {
        history.calls.isEmpty ? try askModel(recording: entries) : try runCalls(recording: entries)
    }

    // MARK: - The model

    mutating func askModel(recording entries: [Entry]) throws(LoopError) -> [Effect] {
        if let limit = reachedLimit { return try park(limit, recording: entries) }
        guard mayStart else { return try putOff(recording: entries) }
        var entries = entries
        if let summary = try shorten(recording: &entries) {
            return (entries.isEmpty ? [] : [.commit(entries, outcome: nil)]) + [summary]
        }
        isAsking = true
        let isLast = history.repliesSinceInput + 1 >= definition.maximumModelCalls
        let request = ModelRequest(
            instructions: definition.instructions,
            messages: history.context,
            tools: definition.tools,
            allowsToolCalls: !isLast
        )
        return (entries.isEmpty ? [] : [.commit(entries, outcome: nil)]) + [.callModel(request)]
    }

    private mutating func take(_ reply: ModelReply) throws(LoopError) -> [Effect] {
        guard isAsking else {
            throw LoopError(code: .unexpectedEvent, detail: "no model call is under way")
        }
        isAsking = false
        var reply = reply
        // The last reply of an input may not call tools; calls in it are the model's mistake.
        if history.repliesSinceInput + 1 >= definition.maximumModelCalls { reply.toolCalls = [] }
        reply.usage = priced(reply.usage)
        let entry = try record(.reply(reply))
        guard reply.toolCalls.isEmpty else { return try runCalls(recording: [entry]) }
        return end([entry], as: .completed(reply: reply.text))
    }

    // MARK: - Tool calls

    /// Starts, recovers or settles every open call that does not wait for a person.
    private mutating func runCalls(recording entries: [Entry]) throws(LoopError) -> [Effect] {
        let idle = history.calls.filter { !running.contains($0.position) && waiting[$0.position] == nil }
        let needsRun = idle.contains { open in
            switch open.state {
            case .asked, .approved, .claimed: true
            case .awaiting, .settled: false
            }
        }
        if needsRun, !mayStart || reachedLimit != nil {
            // What runs is waited for: its results are not to be lost.
            guard running.isEmpty else { return try proceed(recording: entries) }
            waiting = [:]
            if let limit = reachedLimit { return try park(limit, recording: entries) }
            return try putOff(recording: entries)
        }
        var entries = entries
        var runs: [ToolRun] = []
        for open in idle where running.count < max(1, definition.maximumParallelTools) && !hasToWait(open) {
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
        return try proceed(recording: entries, running: runs)
    }

    /// Whether the call has to come behind one that runs.
    private func hasToWait(_ open: History.OpenCall) -> Bool {
        let ordered = definition.tools.filter(\.keepsOrder).map(\.name)
        return ordered.contains(open.call.name)
            && history.calls.contains { running.contains($0.position) && ordered.contains($0.call.name) }
    }

    private mutating func stop(_ position: CallPosition) throws(LoopError) {
        guard running.remove(position) != nil else {
            throw LoopError(code: .unexpectedEvent, detail: "call \(position) is not running")
        }
    }

    // MARK: - What follows

    mutating func record(_ fact: Entry.Fact, turn: Int? = nil) throws(LoopError) -> Entry {
        let entry = Entry(turn: turn ?? history.turn, fact: fact)
        try history.apply(entry)
        return entry
    }

    private mutating func proceed(
        recording entries: [Entry], running runs: [ToolRun] = []
    ) throws(LoopError) -> [Effect] {
        let commit: [Effect] = entries.isEmpty ? [] : [.commit(entries, outcome: nil)]
        guard running.isEmpty else { return commit + runs.map(Effect.runTool) }
        if !waiting.isEmpty {
            let until = waiting.values.compactMap(\.self).min()
            waiting = [:]
            let pause = try record(.pause(.waiting(until: until)))
            let outcome = history.waitingOutcome(until: until)
            // Approvals of its own settle the turn; those of agents behind its calls do not.
            if !history.approvals.isEmpty { return end(entries + [pause], as: outcome) }
            return [.commit(entries + [pause], outcome: nil), .finish(outcome)]
        }
        if history.phase == .awaiting { return end(entries, as: .awaiting(history.approvals)) }
        return try askModel(recording: entries)
    }

    /// Ends the attempt in order, before its turn.
    private mutating func putOff(recording entries: [Entry]) throws(LoopError) -> [Effect] {
        let pause = try record(.pause(.stopped))
        return [.commit(entries + [pause], outcome: nil), .finish(.continuing)]
    }

    private mutating func park(_ reason: String, recording entries: [Entry]) throws(LoopError) -> [Effect] {
        let entry = try record(.park(reason: reason))
        return end(entries + [entry], as: .parked(reason: reason))
    }

    private func end(_ entries: [Entry], as outcome: Outcome) -> [Effect] {
        [.commit(entries, outcome: outcome), .finish(outcome)]
    }

    private var reachedLimit: String? {
        definition.turnBudget.exceeded(by: history.spentInTurn, age: nil, of: "the turn")
            ?? definition.sessionBudget.exceeded(
                by: history.spent, age: .milliseconds(time) - .milliseconds(definition.created), of: "the session")
    }
}

extension Verdict {
    /// What a decision comes to that was not made in time.
    fileprivate static func expired(_ position: CallPosition) -> Verdict {
        Verdict(position: position, isApproved: false, reason: "nobody decided in time.")
    }
}
