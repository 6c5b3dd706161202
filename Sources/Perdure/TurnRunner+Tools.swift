// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SessionStore
import Synchronization

extension TurnRunner.Surroundings {
    /// Runs one call of a tool to its end.
    func end(
        of run: ToolRun, turn: Int, _ signals: SignalBox, noting noted: NotedEntries
    ) async -> ToolEnd {
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
            try await append(entries, outcome: nil) { noted.add(entries) }
        }
        var context = ToolContext(
            session: session.rawValue,
            idempotencyKey: run.idempotencyKey,
            deadline: deadline,
            canWait: tool.specification.effect != .once,
            journal: journal,
            now: now,
            deliver: { message in try await wakes?.deliver(message, to: session.rawValue) },
            link: subagents[run.tool].map {
                SubagentLink(runtime: $0, position: run.position, cutoff: cutoff, tally: tally)
            }
        )
        context.memory = MemoryAccess(
            lane: lane, shared: sharedMemory, position: run.position, turn: turn, noted: noted)
        let end: ToolEnd
        do {
            end = try await tally.observe(.tool(name: run.tool)) {
                await tool.end(of: run, context: context)
            } result: {
                AgentOperation.Result(status: $0.status)
            }
        } catch {
            // Nothing in it throws.
            return .interrupted(nil)
        }
        if case .result = end { times.note(run.tool, begin.duration(to: .now)) }
        return end
    }
}

/// The entries that one call puts into the log while it runs.
final class NotedEntries: Sendable {
    private let state = Mutex<(entries: [Entry], steps: Set<String>, isClosed: Bool)>(([], [], false))

    /// - Parameter steps: Those that earlier runs have put there.
    init(after steps: some Sequence<String>) { state.withLock { $0.steps = Set(steps) } }

    /// Adds what is about to be written. False where it must not be, because the run that it comes from has ended: a task
    /// that a tool has left behind would write what no log can hold.
    @discardableResult
    func add(_ more: [Entry]) -> Bool {
        state.withLock { state in
            var steps = state.steps
            for case .step(_, let name, _) in more.map(\.fact) where !steps.insert(name).inserted { return false }
            guard !state.isClosed else { return false }
            (state.entries, state.steps) = (state.entries + more, steps)
            return true
        }
    }

    /// Whether a step could be added.
    func admits(_ entry: Entry) -> Bool {
        guard case .step(_, let name, _) = entry.fact else { return false }
        return state.withLock { !$0.isClosed && !$0.steps.contains(name) }
    }

    /// All of them: no further one is added.
    func close() -> [Entry] {
        state.withLock { state in
            state.isClosed = true
            return state.entries
        }
    }
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
