// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SessionStore

/// The way from a tool call to the memories.
struct MemoryAccess: Sendable {
    let lane: SessionLane
    let shared: SharedMemory
    let position: CallPosition
    let turn: Int
    let noted: NotedEntries
}

/// Thrown where there is no session, as in a test of a tool.
struct NoMemory: Error, CustomStringConvertible {
    let description = "There is no memory here: a memory tool needs an agent's session."
}

extension ToolContext {
    /// The name of the step that a change is recorded as.
    private static let step = "memory"

    /// How long a command waits for the shared memory: as long as there is, but no longer than a busy session is waited for.
    private var patience: ContinuousClock.Instant {
        let limit = ContinuousClock.now.advanced(by: .seconds(30))
        guard let deadline else { return limit }
        return min(limit, deadline.advanced(by: .zero - AgentRuntime.reserve))
    }

    /// Does a command, or finds that an earlier attempt at this call did it.
    /// - Parameter key: Of the call and its command, for a memory that has other sessions' as well.
    func perform(_ command: MemoryCommand, on scope: MemoryScope, key: String) async throws -> String {
        guard let memory else { throw NoMemory() }
        // One command a call, as the record of a change is the call's.
        if let recorded = try beginStep(Self.step)?.string { return recorded }
        if scope == .sharedByAgent {
            return try await memory.shared.perform(command, key: key, until: patience)
        }
        try Task.checkCancellation()
        return try await journal.end(.step(Self.step)) {
            try await memory.lane.perform(command, noting: memory.noted) { answer in
                Entry(turn: memory.turn, fact: .step(memory.position, name: Self.step, value: .init(answer)))
            }
        }
    }

    func searchMemory(_ words: String, limit: Int, in scope: MemoryScope) async throws -> [MemoryMatch] {
        guard let memory else { throw NoMemory() }
        return scope == .sharedByAgent
            ? try await memory.shared.search(words, limit: limit, until: patience)
            : try await memory.lane.searchMemory(words, limit: limit)
    }
}

extension SessionLane {
    /// Does a command on the session's own memory. The use of a text that is read is written with the next commit, which is
    /// the result's.
    /// - Returns: The answer, and whether a step was recorded.
    func perform(
        _ command: MemoryCommand, noting noted: NotedEntries, recording record: @Sendable (String) -> Entry
    ) throws -> (answer: String, isRecorded: Bool) {
        guard noted.admits(record("")) else { throw InvalidStep.late }
        guard let result = try session?.perform(command, recording: { [record($0)] }) else { throw NoMemory() }
        if result.isChanged { noted.add([record(result.answer)]) }
        return (result.answer, result.isChanged)
    }

    func searchMemory(_ words: String, limit: Int) throws -> [MemoryMatch] {
        try session?.searchMemory(words, limit: limit) ?? []
    }
}
