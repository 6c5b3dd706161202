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
        let wakes: Wakes?
        let times: StepTimes
        let lane: SessionLane
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
        let onProgress: @Sendable (TurnProgress) -> Void

        /// The reply that is awaited, or whose tools run.
        var step: Int { earlier + tally.modelCalls }

        func append(_ entries: [Entry], outcome: Outcome?) async throws {
            try await tally.observe(.commit) { try await lane.append(entries, outcome: outcome) }
        }
    }

    private let surroundings: Surroundings
    private var loop: AgentLoop
    /// Whether this attempt has done a step: one that did none is not put off, or nothing would ever be done.
    private var hasDoneStep = false
    /// What tools may still take of what the turn was sent.
    private var signals = SignalBox([:])

    init(_ loop: AgentLoop, in surroundings: Surroundings) {
        self.loop = loop
        self.surroundings = surroundings
    }

    /// Runs it to its end, or until the task is cancelled: ``Outcome/continuing``.
    ///
    /// Throws what the model or the store throws. Unless it was the store, it is noted that the attempt ended in order.
    mutating func run(_ event: Event) async throws -> Outcome {
        do {
            var effects = try decide(event)
            signals = SignalBox(loop.history.signals)
            while true {
                switch try await commit(effects) {
                case .finish(let outcome): return outcome
                case .callModel(let request): effects = try await ask(request)
                case .runTools(let runs): effects = try await run(runs)
                }
            }
        } catch {
            guard !(error is SessionStoreError) else { throw error }
            // Done although the task may be cancelled: that is what the reserve is for.
            if let effects = try? loop.handle(.timeUp, at: surroundings.now()) { _ = try await commit(effects) }
            guard Task.isCancelled else { throw error }
            return .continuing
        }
    }

    /// The messages that came due while the turn stood in their way.
    var overdueMessages: [ScheduledMessage] { loop.history.overdueMessages(at: surroundings.now()) }

    // MARK: - Deciding

    private mutating func decide(_ event: Event) throws -> [Effect] {
        let now = surroundings.now()
        var next = loop
        let effects = try next.handle(event, at: now)
        // A claim that is made when the time is up would count as a call that may have taken effect.
        if !Task.isCancelled, hasTime(for: effects) {
            loop = next
            return effects
        }
        return try loop.handle(event, at: now, startingSteps: false)
    }

    /// Whether the steps fit into what is left, as far as is known. Without anybody to go on, trying is better.
    private func hasTime(for effects: [Effect]) -> Bool {
        guard hasDoneStep, surroundings.wakes != nil, let cutoff = surroundings.cutoff else { return true }
        let left = ContinuousClock.now.duration(to: cutoff)
        return effects.allSatisfy { effect in
            switch effect {
            case .callModel: surroundings.times.expected(StepTimes.model) <= left
            case .runTool(let run):
                max(surroundings.times.expected(run.tool), surroundings.tools[run.tool]?.timeLimit ?? .zero) <= left
            case .commit, .finish: true
            }
        }
    }

    // MARK: - Committing

    /// The one thing that is left to do once the commits among some effects are made.
    private enum Step {
        case callModel(ModelRequest)
        case runTools([ToolRun])
        case finish(Outcome)
    }

    private func commit(_ effects: [Effect]) async throws -> Step {
        var runs: [ToolRun] = []
        for effect in effects {
            switch effect {
            case .commit(let entries, let outcome):
                try await arm(entries, outcome)
                try await surroundings.append(entries, outcome: outcome)
            case .runTool(let run): runs.append(run)
            case .callModel(let request): return .callModel(request)
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
            // Even if it came too late to go on: it is paid for.
            return try decide(.modelReplied(reply))
        } catch let error as ModelError where error.code == .refused {
            return try decide(.modelRefused(reason: error.description))
        }
    }

    /// Runs tools in parallel. Each result is durable as soon as its tool ends, whatever happens to its siblings.
    private mutating func run(_ runs: [ToolRun]) async throws -> [Effect] {
        surroundings.tally.countToolRuns(runs.count)
        surroundings.onProgress(.tools(names: runs.map(\.tool), step: surroundings.step))
        let (surroundings, turn, signals) = (surroundings, loop.history.turn, signals)
        return try await withThrowingTaskGroup(of: (CallPosition, ToolEnd).self) { group in
            func start(_ run: ToolRun) {
                group.addTask { (run.position, await surroundings.end(of: run, turn: turn, signals)) }
            }
            runs.forEach(start)
            var remaining: [Effect] = []
            var isInterrupted = false
            for try await (position, end) in group {
                let event: Event
                switch end {
                // Siblings may still end with a result, which is not to be lost.
                case .interrupted:
                    isInterrupted = true
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
                    case .commit, .callModel, .finish:
                        remaining.append(effect)
                    }
                }
            }
            if isInterrupted { throw CancellationError() }
            return remaining
        }
    }
}

extension TurnRunner.Surroundings {
    fileprivate func end(of run: ToolRun, turn: Int, _ signals: SignalBox) async -> ToolEnd {
        guard let tool = tools[run.tool] else { return .result(.vanished) }
        let begin = ContinuousClock.now
        let journal = StepJournal(recorded: run.steps, signals: signals) { facts in
            let entries = facts.map { fact in
                switch fact {
                case .step(let name, let value):
                    Entry(turn: turn, fact: .step(run.position, name: name, value: value))
                case .schedule(let message): Entry(turn: turn, fact: .schedule(message))
                }
            }
            try await append(entries, outcome: nil)
        }
        var context = ToolContext(
            session: session.rawValue,
            idempotencyKey: run.idempotencyKey,
            deadline: deadline,
            canWait: tool.specification.effect != .once,
            journal: journal,
            now: now,
            deliver: { message in try await wakes?.deliver(message, to: session.rawValue) }
        )
        context.memory = MemoryAccess(lane: lane, shared: sharedMemory, position: run.position, turn: turn)
        let end: ToolEnd
        do {
            end = try await tally.observe(.tool(name: run.tool)) {
                await tool.end(of: run, context: context)
            } result: {
                AgentOperation.Result(status: $0.status)
            }
        } catch {
            // Nothing in it throws.
            return .interrupted
        }
        if case .result = end { times.note(run.tool, begin.duration(to: .now)) }
        return end
    }
}

extension History {
    /// The messages that are due, where no turn stands in their way.
    func overdueMessages(at now: Int64) -> [ScheduledMessage] {
        phase == .idle ? schedules.filter { $0.due <= now } : []
    }
}

extension [Entry] {
    /// Whether they end an attempt: then they are not committed before somebody is told to wake it.
    fileprivate var isEnd: Bool { last.map { [.pause, .park].contains($0.kind) } ?? false }
}

extension ToolEnd {
    /// The word for it in metrics.
    fileprivate var status: String {
        switch self {
        case .result(let result): result.status.rawValue
        case .interrupted: "interrupted"
        case .suspended: "suspended"
        }
    }
}
