// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import SessionStore

/// What a tool may know of the call that it serves, and a journal for the parts of it.
public struct ToolContext: Sendable {
    /// The session's id.
    public let session: String
    /// The same for each attempt of this call, and for no other call: 32 hexadecimal digits. Hand it to services that
    /// take an idempotency key.
    public let idempotencyKey: String
    /// When the invocation has to be done; nil when there is no limit.
    public let deadline: ContinuousClock.Instant?
    /// The memories; nil outside of a turn.
    var memory: MemoryAccess?
    private let canWait: Bool
    let journal: StepJournal
    private let now: @Sendable () -> Int64
    private let deliver: @Sendable (ScheduledMessage) async throws -> Void
    /// Where the tool is another agent.
    let link: SubagentLink?

    /// The time left, at least zero; nil when there is no limit.
    public var remainingTime: Duration? {
        deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
    }

    /// Creates a context, for tests of tools. Its steps are kept in memory.
    public init(session: String, idempotencyKey: String, deadline: ContinuousClock.Instant? = nil) {
        let journal = StepJournal(recorded: [:], signals: SignalBox([:])) { _ in }
        self.init(
            session: session, idempotencyKey: idempotencyKey, deadline: deadline, canWait: true, journal: journal,
            now: wallClock, deliver: { _ in })
    }

    init(
        session: String,
        idempotencyKey: String,
        deadline: ContinuousClock.Instant?,
        canWait: Bool,
        journal: StepJournal,
        now: @escaping @Sendable () -> Int64,
        deliver: @escaping @Sendable (ScheduledMessage) async throws -> Void,
        link: SubagentLink? = nil
    ) {
        self.session = session
        self.idempotencyKey = idempotencyKey
        self.deadline = deadline
        self.canWait = canWait
        self.journal = journal
        self.now = now
        self.deliver = deliver
        self.link = link
    }

    /// Does a part of the call once: when the call runs again, after a crash or as a retry, its value is read from the log.
    ///
    /// The value is durable when this returns: one commit of one row, one sync. A part that was interrupted is done again,
    /// so hand ``idempotencyKey(forStep:)`` to what it calls. A call of a ``ToolEffect/once`` tool is not run again after a
    /// crash, and so are none of its parts: a tool that is made of steps is ``ToolEffect/idempotent``.
    ///
    /// Throws what the body throws, which is not recorded: the next run tries the step again. Throws ``InvalidStep`` when the
    /// name is used twice in one run, is not 1 to 256 bytes long, or begins with `wait/`, `signal/`, `schedule/` or
    /// `subagent/`; `CancellationError` when the time is up; decoding errors when the recorded value is of another type; and
    /// when a value could not be recorded, the reason, here and in all that follows in this run.
    public func step<Value: Codable & Sendable>(
        _ name: String,
        _ body: () async throws -> Value
    ) async throws -> Value {
        if let recorded = try journal.begin(.step(name)) {
            return try JSONValueDecoder().decode(Value.self, from: recorded)
        }
        try Task.checkCancellation()
        let value = try await body()
        try await journal.end(.step(name), JSONValueEncoder().encode(value))
        return value
    }

    /// Waits for a time, over days and invocations: while it waits, nothing runs and nothing is held. The turn ends as
    /// ``AgentCore/Outcome/suspended(until:)``, and the call is run again from its beginning when the time has come; what it
    /// has done in steps before is not done again.
    ///
    /// One commit when the wait begins, another when the turn is suspended. Throws ``InvalidStep`` in a tool whose effect is
    /// ``ToolEffect/once``, as that cannot be run again, and an error of its own that must be let through.
    /// - Parameters:
    ///   - name: As the name of a step; waits and steps have names of their own.
    ///   - duration: From when this is called for the first time. Rounded up to milliseconds.
    public func wait(_ name: String, for duration: Duration) async throws {
        let due = try await deadline(of: name, for: duration)
        if now() < due { throw ToolSuspension(until: due) }
    }

    /// Waits for a time as ``wait(_:for:)`` does.
    /// - Parameter time: In milliseconds since 1970. The time of the first call counts.
    public func wait(_ name: String, until time: Int64) async throws {
        let due = try await deadline(of: name, time)
        if now() < due { throw ToolSuspension(until: due) }
    }

    private func deadline(of name: String, for duration: Duration) async throws -> Int64 {
        let (seconds, attoseconds) = duration.components
        let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let whole = min(max(seconds, -Self.lastMoment / 1000), Self.lastMoment / 1000) * 1000
        return try await deadline(of: name, now() + whole + fraction)
    }

    /// The end of the year 9999: what is to end later ends then.
    private static let lastMoment: Int64 = 253_402_300_799_999

    /// When a wait ends, which is noted when it begins.
    private func deadline(of name: String, _ time: Int64) async throws -> Int64 {
        try checkWait()
        if let recorded = try journal.begin(.wait(name))?.int { return Int64(recorded) }
        let time = min(time, Self.lastMoment)
        try await journal.end(.wait(name), .init(Int(time)))
        return time
    }

    /// Waits for a value from outside, however long that takes: an event
    /// `{"session":"…","id":"…","signal":{"name":"…","value":…}}`. Otherwise as ``wait(_:for:)``.
    ///
    /// Signals that came before, in the same turn, are taken in the order in which they came; what nobody takes ends with the
    /// turn. One commit when the signal is taken. Throws decoding errors when the value is of another type, in each run:
    /// take what others send as a type that allows for that.
    public func waitForSignal<Value: Codable & Sendable>(
        _ name: String, as type: Value.Type = Value.self
    ) async throws -> Value {
        guard let value = try await signal(name, until: nil) else { throw ToolSuspension(until: nil) }
        return try JSONValueDecoder().decode(Value.self, from: value)
    }

    /// Waits for a value from outside as ``waitForSignal(_:as:)`` does, but no longer than a time: then it is nil.
    /// - Parameter duration: From when this is called for the first time.
    public func waitForSignal<Value: Codable & Sendable>(
        _ name: String, as type: Value.Type = Value.self, for duration: Duration
    ) async throws -> Value? {
        let due = try await deadline(of: name, for: duration)
        guard let value = try await signal(name, until: due) else { return nil }
        return try JSONValueDecoder().decode(Value.self, from: value)
    }

    /// The signal's value; nil when the time is up.
    func signal(_ name: String, until due: Int64?) async throws -> JSONValue? {
        try checkWait()
        if let recorded = try journal.begin(.signal(name)) {
            let value = SignalStep.value(recorded)
            guard value != nil || due != nil else {
                throw InvalidStep(description: "The time for the signal \(name) was up, when there was a limit to it.")
            }
            return value
        }
        if let value = journal.signals.take(name) {
            try await journal.end(.signal(name), SignalStep.taken(value))
            return value
        }
        if let due, now() >= due {
            try await journal.end(.signal(name), SignalStep.missed)
            return nil
        }
        throw ToolSuspension(until: due)
    }

    /// Has the session sent a message at a time, which begins a turn of its own: a reminder, or the next round of a task that
    /// comes again. While another turn waits for something, the message waits for the end of that.
    ///
    /// The message is durable and somebody is asked to deliver it when this returns: one request to the service behind
    /// ``Wakes``, and one commit. A call that runs again schedules nothing twice. Throws ``InvalidStep`` when the name is used
    /// twice in one call or is not 1 to 256 bytes long, and what the service throws.
    /// - Parameters:
    ///   - name: Tells the messages of this call apart.
    ///   - time: In milliseconds since 1970. A time that is past is now.
    public func schedule(_ name: String, at time: Int64, message text: String) async throws {
        guard try journal.begin(.schedule(name)) == nil else { return }
        let message = ScheduledMessage(id: idempotencyKey(forStep: "schedule/\(name)"), due: time, text: text)
        // Asked for first: a wake for a message that was never noted finds nothing to do.
        try await deliver(message)
        try await journal.note(message, as: .schedule(name))
    }

    private func checkWait() throws(InvalidStep) {
        guard canWait else {
            throw InvalidStep(description: "A tool with the effect \"once\" cannot wait: it would have to run again.")
        }
    }

    /// The same for each attempt of this step of this call, and for no other: 32 hexadecimal digits.
    public func idempotencyKey(forStep name: String) -> String {
        String(SHA256.hexDigest(of: "\(idempotencyKey)/\(name)").prefix(32))
    }

    /// The value of a step that is done; its name is used from now on.
    func beginStep(_ name: String) throws -> JSONValue? { try journal.begin(.step(name)) }

    /// The names of steps may be used again: the call is run from its beginning.
    func beginAgain() { journal.beginAgain() }
}
