// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Synchronization

/// What a tool may know of the call that it serves, and a journal for the parts of it.
public struct ToolContext: Sendable {
    /// The session's id.
    public let session: String
    /// The same for each attempt of this call, and for no other call: 32 hexadecimal digits. Hand it to services that
    /// take an idempotency key.
    public let idempotencyKey: String
    /// When the invocation has to be done; nil when there is no limit.
    public let deadline: ContinuousClock.Instant?
    private let journal: StepJournal
    /// The memories; nil outside of a turn.
    let memory: MemoryAccess?

    /// The time left, at least zero; nil when there is no limit.
    public var remainingTime: Duration? {
        deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
    }

    /// Creates a context, for tests of tools. Its steps are kept in memory.
    public init(session: String, idempotencyKey: String, deadline: ContinuousClock.Instant? = nil) {
        self.init(session: session, idempotencyKey: idempotencyKey, deadline: deadline, recorded: [:], memory: nil) {
            _, _ in
        }
    }

    init(
        session: String,
        idempotencyKey: String,
        deadline: ContinuousClock.Instant?,
        recorded: [String: JSONValue],
        memory: MemoryAccess?,
        append: @escaping @Sendable (_ name: String, _ value: JSONValue) async throws -> Void
    ) {
        self.session = session
        self.idempotencyKey = idempotencyKey
        self.deadline = deadline
        self.memory = memory
        journal = StepJournal(recorded: recorded, append: append)
    }

    /// Does a part of the call once: when the call runs again, after a crash or as a retry, its value is read from the log.
    ///
    /// The value is durable when this returns: one commit of one row, one sync. A part that was interrupted is done again,
    /// so hand ``idempotencyKey(forStep:)`` to what it calls. A call of a ``ToolEffect/once`` tool is not run again after a
    /// crash, and so are none of its parts: a tool that is made of steps is ``ToolEffect/idempotent``.
    ///
    /// Throws what the body throws, ``InvalidStep`` when the name is used twice in one run or is not 1 to 256 bytes long,
    /// `CancellationError` when the time is up, and decoding errors when the recorded value is of another type.
    public func step<Value: Codable & Sendable>(
        _ name: String,
        _ body: () async throws -> Value
    ) async throws -> Value {
        if let recorded = try journal.begin(name) {
            return try JSONValueDecoder().decode(Value.self, from: recorded)
        }
        try Task.checkCancellation()
        let value = try await body()
        try await journal.end(name, JSONValueEncoder().encode(value))
        return value
    }

    /// The same for each attempt of this step of this call, and for no other: 32 hexadecimal digits.
    public func idempotencyKey(forStep name: String) -> String {
        String(SHA256.hexDigest(of: "\(idempotencyKey)/\(name)").prefix(32))
    }

    /// The value of a step that is done; its name is used from now on.
    func beginStep(_ name: String) throws -> JSONValue? { try journal.begin(name) }

    /// The names of steps may be used again: the call is run from its beginning.
    func beginAgain() { journal.beginAgain() }
}

/// A step whose name cannot be used.
public struct InvalidStep: Error, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String
}

/// The steps of one call.
private final class StepJournal: Sendable {
    private struct State {
        var recorded: [String: JSONValue]
        var used: Set<String> = []
    }

    private let state: Mutex<State>
    private let append: @Sendable (String, JSONValue) async throws -> Void

    init(recorded: [String: JSONValue], append: @escaping @Sendable (String, JSONValue) async throws -> Void) {
        state = Mutex(State(recorded: recorded))
        self.append = append
    }

    func beginAgain() {
        state.withLock { $0.used = [] }
    }

    /// The value of a step that is done.
    func begin(_ name: String) throws -> JSONValue? {
        guard (1...256).contains(name.utf8.count) else {
            throw InvalidStep(description: "A step's name is 1 to 256 bytes long.")
        }
        return try state.withLock { state in
            guard state.used.insert(name).inserted else {
                throw InvalidStep(description: "Two steps of one call have the same name: \(name)")
            }
            return state.recorded[name]
        }
    }

    func end(_ name: String, _ value: JSONValue) async throws {
        try await append(name, value)
        state.withLock { $0.recorded[name] = value }
    }
}
