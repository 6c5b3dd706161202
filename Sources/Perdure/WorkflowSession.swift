// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import Synchronization

/// What a workflow's function has of its session: steps that are done once, and waits that hold nothing.
///
/// Steps and waits are told apart by their names, which must be the same in each run and different from each other. Steps may
/// run in parallel (`async let`, task groups). Once a wait has begun to wait, no further step begins: the run ends there,
/// whatever is made of the error that the wait throws, and is repeated when the time has come.
public struct WorkflowSession: Sendable {
    private let context: ToolContext
    private let waits = Waits()

    /// Creates a session, for tests of functions, with a context whose steps are kept in memory.
    public init(_ context: ToolContext) {
        self.context = context
    }

    /// The session's id.
    public var id: String { context.session }
    /// When the invocation has to be done; nil when there is no limit.
    public var deadline: ContinuousClock.Instant? { context.deadline }
    /// The time left, at least zero; nil when there is no limit.
    public var remainingTime: Duration? { context.remainingTime }

    /// Does something once: when the function runs again, the value is read from the log.
    ///
    /// The value is durable when this returns: one commit of one row, one sync. A step that was interrupted, by a crash or by
    /// the end of the invocation, is done again, so hand ``idempotencyKey(forStep:)`` to what it calls.
    ///
    /// Throws what the body throws the last time, which is not recorded: the next run tries the step again, and might go
    /// another way. What the function is to go on with, the body catches and returns. Otherwise as ``ToolContext/step(_:_:)``.
    /// - Parameter retries: Whether a body that threw is repeated within this invocation, if there is time. Such a body has no
    ///   steps of its own: it would use their names twice.
    @discardableResult
    public func step<Value: Codable & Sendable>(
        _ name: String,
        retries: RetryPolicy = .never,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await context.step(name) {
            try waits.check()
            var attempt = 1
            while true {
                do {
                    return try await body()
                } catch {
                    guard !Task.isCancelled, !(error is ToolSuspension), let delay = retries.delay(after: attempt),
                        remainingTime.map({ delay < $0 }) ?? true
                    else { throw error }
                    attempt += 1
                    try await Task.sleep(for: delay)
                }
            }
        }
    }

    /// Waits for a time, over days and invocations: see ``ToolContext/wait(_:for:)``. Rounded up to milliseconds.
    public func wait(_ name: String, for duration: Duration) async throws {
        try await noting { try await context.wait(name, for: duration) }
    }

    /// Waits for a time.
    /// - Parameter time: In milliseconds since 1970. The time of the first call counts.
    public func wait(_ name: String, until time: Int64) async throws {
        try await noting { try await context.wait(name, until: time) }
    }

    /// Waits for a value from outside, however long that takes: see ``ToolContext/waitForSignal(_:as:)``.
    @discardableResult
    public func waitForSignal<Value: Codable & Sendable>(
        _ name: String, as type: Value.Type = Value.self
    ) async throws -> Value {
        try await noting { try await context.waitForSignal(name, as: type) }
    }

    /// Waits for a value from outside, but no longer than a time: then it is nil.
    /// - Parameter duration: From when this is called for the first time.
    public func waitForSignal<Value: Codable & Sendable>(
        _ name: String, as type: Value.Type = Value.self, for duration: Duration
    ) async throws -> Value? {
        try await noting { try await context.waitForSignal(name, as: type, for: duration) }
    }

    /// Has the workflow begin again at a time, with another input: see ``ToolContext/schedule(_:at:message:)``.
    /// - Parameters:
    ///   - time: In milliseconds since 1970. A time that is past is now.
    ///   - input: As the event has it. While the workflow works on another one, it waits for the end of that.
    public func schedule<Input: Encodable>(_ name: String, at time: Int64, input: Input) async throws {
        try waits.check()
        let input = try JSONValueEncoder().encode(input).description
        try await context.schedule(name, at: time, message: input)
    }

    /// The same for each attempt of this step of this run, and for no other: 32 hexadecimal digits.
    public func idempotencyKey(forStep name: String) -> String { context.idempotencyKey(forStep: name) }

    /// How the run ends, when something waits.
    var suspension: ToolSuspension? { waits.suspension }

    private func noting<Value>(_ wait: () async throws -> Value) async throws -> Value {
        do {
            return try await wait()
        } catch let suspension as ToolSuspension {
            waits.add(suspension)
            throw suspension
        }
    }
}

/// The waits of one run that have begun to wait.
private final class Waits: Sendable {
    private let begun = Mutex<[Int64?]>([])

    func add(_ suspension: ToolSuspension) { begun.withLock { $0.append(suspension.until) } }

    /// Until the first of them ends.
    var suspension: ToolSuspension? {
        begun.withLock { $0.isEmpty ? nil : ToolSuspension(until: $0.compactMap(\.self).min()) }
    }

    func check() throws(ToolSuspension) { if let suspension { throw suspension } }
}
