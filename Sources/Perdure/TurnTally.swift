// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import LambdaRuntimeAPI
import Logging
import Synchronization

/// What a turn has cost so far, for the log, for metrics and for who observes it.
final class TurnTally: Sendable {
    /// A sum of operations of one kind.
    struct Sum: Sendable {
        var count = 0
        var duration = Duration.zero
    }

    private struct State {
        var spent = Spending()
        var sums: [String: Sum] = [:]
        var isReplay = false
        var hasProgress = false
    }

    private let started = ContinuousClock.now
    private let modelCallCount = Atomic(0)
    private let summaryCount = Atomic(0)
    private let toolRunCount = Atomic(0)
    private let state = Mutex(State())
    private let agent: String
    private let observer: (any AgentObserver)?

    init(agent: String = "", observer: (any AgentObserver)? = nil) {
        self.agent = agent
        self.observer = observer
    }

    /// How often the model was asked.
    var modelCalls: Int { modelCallCount.load(ordering: .relaxed) }
    /// How many of those were for a summary, and not for a reply.
    var summaries: Int { summaryCount.load(ordering: .relaxed) }
    /// How many tools were started.
    var toolRuns: Int { toolRunCount.load(ordering: .relaxed) }
    /// The tokens of all model calls, as far as the provider says.
    var usage: TokenUsage {
        let spent = state.withLock(\.spent)
        return TokenUsage(input: spent.input, output: spent.output, cachedInput: spent.cachedInput)
    }
    /// How long it has taken.
    var duration: Duration { started.duration(to: .now) }
    /// The same in whole milliseconds.
    var milliseconds: Int { duration.milliseconds }
    /// Whether the answer was there already.
    var isReplay: Bool { state.withLock(\.isReplay) }
    /// Whether something was noted that is not done again: else the next attempt begins where this one did.
    var hasProgress: Bool { state.withLock(\.hasProgress) }

    /// The sum of the operations of a kind.
    func sum(of kind: AgentOperation.Kind) -> Sum { state.withLock { $0.sums[kind.name] ?? Sum() } }

    func countModelCall() { modelCallCount.add(1, ordering: .relaxed) }
    func countSummary() {
        countModelCall()
        summaryCount.add(1, ordering: .relaxed)
    }
    func countToolRun() { toolRunCount.add(1, ordering: .relaxed) }
    func markReplay() { state.withLock { $0.isReplay = true } }

    func noteProgress(in entries: [Entry]) {
        let isKept = entries.contains { [.reply, .result, .step, .schedule, .compaction].contains($0.kind) }
        if isKept { markProgress() }
    }

    func markProgress() { state.withLock { $0.hasProgress = true } }
}

extension TurnTally {
    /// Runs an operation, takes its time, and has it observed.
    func observe<Value>(
        _ kind: AgentOperation.Kind,
        _ body: () async throws -> Value,
        result: (Value) -> AgentOperation.Result = { _ in AgentOperation.Result() }
    ) async throws -> Value {
        let started = ContinuousClock.now
        func measured() async -> (Result<Value, any Error>, AgentOperation.Result) {
            do {
                let value = try await body()
                let result = result(value)
                add(kind, started.duration(to: .now), result)
                return (.success(value), result)
            } catch {
                let failed = AgentOperation.Result(status: "failed", errorType: AgentError(error).code.errorType)
                add(kind, started.duration(to: .now), failed)
                return (.failure(error), failed)
            }
        }
        guard let observer else { return try await measured().0.get() }
        let operation = AgentOperation(kind, agent: agent, traceHeader: InvocationContext.current?.traceID)
        return try await observer.observe(operation, measured).get()
    }

    /// Runs a whole turn, and has it observed.
    func observeTurn(_ turn: () async throws -> Outcome) async throws -> Outcome {
        try await observe(.turn, turn) { AgentOperation.Result(status: $0.name, isReplay: self.isReplay) }
    }

    private func add(_ kind: AgentOperation.Kind, _ duration: Duration, _ result: AgentOperation.Result) {
        state.withLock { state in
            state.sums[kind.name, default: Sum()].count += 1
            state.sums[kind.name, default: Sum()].duration += duration
            if let usage = result.usage { state.spent.add(usage) }
        }
    }

    /// What a turn's line in the log says.
    func metadata(_ outcome: String, _ session: String?, _ failure: AgentError.Code?) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "outcome": .string(outcome), "modelCalls": .stringConvertible(modelCalls),
            "toolRuns": .stringConvertible(toolRuns), "durationMs": .stringConvertible(milliseconds),
            "inputTokens": .stringConvertible(usage.input), "outputTokens": .stringConvertible(usage.output),
        ]
        if let session { metadata["session"] = .string(session) }
        if let failure { metadata["failure"] = .string(failure.errorType) }
        return metadata
    }
}

extension AgentOperation.Kind {
    /// One word, the same for all of a kind.
    var name: String {
        switch self {
        case .turn: "turn"
        case .lease: "lease"
        case .modelCall: "model"
        case .tool: "tool"
        case .commit: "commit"
        }
    }
}

extension Duration {
    /// In whole milliseconds.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}

extension Outcome {
    /// The word for it in the log.
    var name: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .awaiting: "awaiting"
        case .suspended: "suspended"
        case .continuing: "continuing"
        case .parked: "parked"
        case .cancelled: "cancelled"
        case .queued: "queued"
        }
    }
}
