// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Whose memory a ``MemoryTool`` or a ``SearchMemory`` is about.
public struct MemoryScope: Sendable, Hashable {
    private enum Value { case session, agent }
    private let value: Value

    /// Each session has a memory of its own, in its file.
    public static let session = MemoryScope(value: .session)
    /// One memory of all sessions of the agent, in a file beside theirs: what one session learns all of them know. It is
    /// locked for each single command, so sessions that use it at the same time wait for each other.
    ///
    /// What a user says in one session may reach other users through it.
    public static let sharedByAgent = MemoryScope(value: .agent)
}
