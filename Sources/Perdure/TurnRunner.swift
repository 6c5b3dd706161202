// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import ModelClients
import SessionStore

/// Runs one attempt at one turn: performs the effects that the loop decides on, in the order in which it decides.
struct TurnRunner {
    /// What stays the same over the steps of a turn.
    struct Surroundings: Sendable {
        let model: any LanguageModel
        let tools: [String: RegisteredTool]
        /// What runs the tools that are agents.
        let subagents: [String: AgentRuntime]
        let wakes: Wakes?
        let times: StepTimes
        let lane: SessionLane
        let mailbox: Mailbox
        let sharedMemory: SharedMemory
        let session: SessionID
        /// When the invocation ends.
        let deadline: ContinuousClock.Instant?
        /// When the turn is cancelled.
        let cutoff: ContinuousClock.Instant?
        let tally: TurnTally
        /// Milliseconds since 1970.
        let now: @Sendable () -> Int64
        /// The replies that earlier attempts have come to.
        let earlier: Int
        var onProgress: @Sendable (TurnProgress) -> Void

        /// The reply that is awaited, or whose tools run.
        var step: Int { earlier + tally.modelCalls - tally.summaries }

        /// - Parameter condition: Looked at right before; where it does not hold, ``InvalidStep`` is thrown.
        func append(
            _ entries: [Entry], outcome: Outcome?, if condition: @Sendable () -> Bool = { true }
        ) async throws {
            try await tally.observe(.commit) { try await lane.append(entries, outcome: outcome, if: condition) }
            tally.noteProgress(in: entries)
        }
    }

    private(set) var surroundings: Surroundings
    private(set) var loop: AgentLoop
    /// Whether this attempt has done a step: one that did none is not put off, or nothing would ever be done.
    private var hasDoneStep = false
    /// What tools may still take of what the turn was sent.
    private var signals = SignalBox([:])
    /// Whether an event was taken, and its turn begun or gone on with.
    private(set) var hasBegun = false
    /// Whether steps may begin: otherwise turns are put off as soon as they are on record.
    var mayStartSteps = true
    /// Whether not all that was decided is in the log, as nobody could be asked to wake the turn. No turn follows then.
    private(set) var isBehind = false

    init(_ loop: AgentLoop, in surroundings: Surroundings) {
        self.loop = loop
        self.surroundings = surroundings
    }

    /// Runs it to its end, or until the task is cancelled: ``Outcome/continuing``.
    ///
    /// Throws where the loop refuses the event, and what the model or the store throws. When it was neither loop nor store, it
    /// is noted that the attempt ended in order.
    mutating func run(_ event: Event) async throws -> Outcome {
        try await callOffSubagents(before: event)
        // An event that is refused is no attempt at the turn, and does not say of the one before that it ended in order.
        var effects = try decide(event)
        hasBegun = true
        do {
            signals = SignalBox(loop.history.signals)
            while true {
                let step = try await commit(effects)
                if case .finish(let outcome) = step { return outcome }
                if let instead = try await attend(before: step) {
                    effects = instead
                    continue
                }
                effects = try await watched { (runner: inout TurnRunner) in
                    switch step {
                    case .finish: []
                    case .callModel(let request): try await runner.ask(request)
                    case .summarise(let request, let model): try await runner.summarise(request, by: model)
                    case .runTools(let runs): try await runner.run(runs)
                    }
                }
            }
        } catch {
            guard !(error is SessionStoreError) else { throw error }
            // Done although the task may be cancelled: that is what the reserve is for.
            if !isBehind, let effects = try? loop.handle(.timeUp, at: surroundings.now()) {
                _ = try await commit(effects)
            }
            if let end = error as? AttemptEnd, let cause = end.cause, !Task.isCancelled { throw cause }
            guard Task.isCancelled || error is AttemptEnd else { throw error }
            return .continuing
        }
    }

    /// How far the session is.
    var history: History { loop.history }

    /// What follows is nothing that the caller of this invocation has asked for.
    mutating func ceaseProgress() { surroundings.onProgress = { _ in } }

    /// The messages that came due while the turn stood in their way.
    var overdueMessages: [ScheduledMessage] { loop.history.overdueMessages(at: surroundings.now()) }

    // MARK: - Deciding

    mutating func decide(_ event: Event) throws -> [Effect] {
        let now = surroundings.now()
        // A claim that is made when the time is up would count as a call that may have taken effect.
        if mayStartSteps, !Task.isCancelled, !surroundings.mailbox.isCalledOff {
            var next = loop
            let effects = try next.handle(event, at: now)
            if hasTime(for: effects) {
                loop = next
                return effects
            }
        }
        return try loop.handle(event, at: now, startingSteps: false)
    }

    /// Whether the steps fit into what is left, as far as is known. Without anybody to go on, trying is better.
    private func hasTime(for effects: [Effect]) -> Bool {
        guard hasDoneStep, surroundings.wakes != nil, let cutoff = surroundings.cutoff else { return true }
        let left = ContinuousClock.now.duration(to: cutoff)
        return effects.allSatisfy { effect in
            switch effect {
            case .callModel, .summarise: surroundings.times.expected(StepTimes.model) <= left
            case .runTool(let run):
                max(surroundings.times.expected(run.tool), surroundings.tools[run.tool]?.timeLimit ?? .zero) <= left
            case .commit, .finish: true
            }
        }
    }

    // MARK: - Committing

    /// The one thing that is left to do once the commits among some effects are made.
    enum Step: Sendable {
        case callModel(ModelRequest)
        case summarise(ModelRequest, by: (any LanguageModel)?)
        case runTools([ToolRun])
        case finish(Outcome)
    }

    private mutating func commit(_ effects: [Effect]) async throws -> Step {
        var runs: [ToolRun] = []
        for effect in effects {
            switch effect {
            case .commit(let entries, let outcome):
                do {
                    try await arm(entries, outcome)
                } catch {
                    isBehind = true
                    // What the attempt has come to is kept; that it waits is not noted, so that the next one asks again.
                    let kept = entries.filter { ![.pause, .approval].contains($0.kind) }
                    let pause = Entry(turn: loop.history.turn, fact: .pause(.stopped))
                    try await surroundings.append(kept + [pause], outcome: nil)
                    throw error
                }
                try await surroundings.append(entries, outcome: outcome)
            case .runTool(let run): runs.append(run)
            case .callModel(let request): return .callModel(request)
            case .summarise(let request, let model): return .summarise(request, by: model)
            case .finish(let outcome): return .finish(outcome)
            }
        }
        return .runTools(runs)
    }

    /// Sees that somebody wakes the turn, before it is noted that it waits: the other way round, a crash in between
    /// would leave it asleep. A wake for nothing is harmless.
    private func arm(_ entries: [Entry], _ outcome: Outcome?) async throws {
        guard let wakes = surroundings.wakes else { return }
        var times: [Int64] = []
        for entry in entries {
            if case .pause(.waiting(let until?)) = entry.fact { times.append(until) }
        }
        if case .awaiting(let approvals) = outcome { times += approvals.compactMap(\.expires) }
        for time in Set(times) {
            do {
                try await wakes.wake(surroundings.session.rawValue, turn: loop.history.turn, at: time)
            } catch {
                throw AgentError.wakeFailed(error)
            }
        }
    }

    // MARK: - Steps

    private mutating func ask(_ request: ModelRequest) async throws -> [Effect] {
        let (tally, onProgress) = (surroundings.tally, surroundings.onProgress)
        tally.countModelCall()
        let number = surroundings.step
        let begin = ContinuousClock.now
        do {
            let model = surroundings.model
            let reply = try await tally.observe(.modelCall(step: number)) {
                try await model.reply(to: request) { onProgress(.text($0, step: number)) }
            } result: {
                AgentOperation.Result(usage: $0.usage)
            }
            surroundings.times.note(StepTimes.model, begin.duration(to: .now))
            hasDoneStep = true
            // Before anything is claimed. What fails here fails again at the next commit, which has a reply that is paid for.
            if !reply.toolCalls.isEmpty { try? await surroundings.mailbox.look() }
            // Even if it came too late to go on: it is paid for.
            return try decide(.modelReplied(reply))
        } catch let error as ModelError where error.code == .refused {
            return try decide(.modelRefused(reason: error.description))
        } catch let failure as WorkflowFailure {
            return try decide(.modelRefused(reason: failure.reason))
        }
    }

    /// Has a summary written. Nobody is shown its text.
    private mutating func summarise(_ request: ModelRequest, by model: (any LanguageModel)?) async throws -> [Effect] {
        let (tally, model) = (surroundings.tally, model ?? surroundings.model)
        tally.countSummary()
        let begin = ContinuousClock.now
        do {
            // A part of the step that it is for.
            let reply = try await tally.observe(.modelCall(step: surroundings.step + 1)) {
                try await model.reply(to: request) { _ in }
            } result: {
                AgentOperation.Result(usage: $0.usage)
            }
            surroundings.times.note(StepTimes.model, begin.duration(to: .now))
            hasDoneStep = true
            return try decide(.summarised(reply))
        } catch let error as ModelError where error.code == .refused {
            return try decide(.summaryRefused)
        }
    }

    /// Runs tools in parallel. Each result is durable as soon as its tool ends, whatever happens to its siblings.
    private mutating func run(_ runs: [ToolRun]) async throws -> [Effect] {
        surroundings.onProgress(.tools(names: runs.map(\.tool), step: surroundings.step))
        let (surroundings, turn, signals) = (surroundings, loop.history.turn, signals)
        return try await withThrowingTaskGroup(of: (CallPosition, ToolEnd, NotedEntries).self) { group in
            func start(_ run: ToolRun) {
                surroundings.tally.countToolRun()
                group.addTask {
                    let noted = NotedEntries(after: run.steps.keys)
                    return (run.position, await surroundings.end(of: run, turn: turn, signals, noting: noted), noted)
                }
            }
            runs.forEach(start)
            var remaining: [Effect] = []
            var interruption: (any Error)?
            for try await (position, end, noted) in group {
                // What the call has put into the log by itself: its steps, and what it waits for.
                for entry in noted.close() { try loop.replay(entry) }
                let event: Event
                switch end {
                // Siblings may still end with a result, which is not to be lost.
                case .interrupted(let end):
                    interruption = interruption ?? end ?? CancellationError()
                    continue
                case .result(let result): event = .toolFinished(position, result)
                case .suspended(let until): event = .toolSuspended(position, until: until)
                }
                hasDoneStep = true
                for effect in try decide(event) {
                    switch effect {
                    case .commit(let entries, nil) where !entries.isEnd:
                        try await surroundings.append(entries, outcome: nil)
                    case .runTool(let run):
                        start(run)
                    case .commit, .callModel, .summarise, .finish:
                        remaining.append(effect)
                    }
                }
            }
            if let interruption { throw interruption }
            return remaining
        }
    }
}

extension History {
    /// The messages that are due, where no turn stands in their way.
    func overdueMessages(at now: Int64) -> [ScheduledMessage] {
        [.idle, .parked].contains(phase) ? schedules.filter { $0.due <= now } : []
    }
}

extension [Entry] {
    /// Whether they end an attempt: then they are not committed before somebody is told to wake it.
    fileprivate var isEnd: Bool { last.map { [.pause, .park].contains($0.kind) } ?? false }
}
