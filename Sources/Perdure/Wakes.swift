// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
public import JSONCore

/// What invokes the function again when a turn cannot go on now: at once, in another invocation, or at a time.
///
/// A duplicate of an event is harmless, and so is one that comes when nothing is left to do: deliver at least once.
public struct Wakes: Sendable {
    let invoke: @Sendable (_ event: JSONValue) async throws -> Void
    let schedule: @Sendable (_ name: String, _ due: Int64, _ event: JSONValue) async throws -> Void

    /// Creates a way to be invoked.
    /// - Parameters:
    ///   - invoke: Has the function invoked with the event, asynchronously; returns once that is sure to happen.
    ///   - schedule: Has the function invoked with the event at a time, in milliseconds since 1970, or at once when that
    ///     is past; returns once that is sure to happen. The same name again is the same event.
    public init(
        invoke: @escaping @Sendable (_ event: JSONValue) async throws -> Void,
        schedule: @escaping @Sendable (_ name: String, _ due: Int64, _ event: JSONValue) async throws -> Void
    ) {
        self.invoke = invoke
        self.schedule = schedule
    }
}

extension Wakes {
    /// Has a turn gone on with at a time.
    func wake(_ session: String, turn: Int, at due: Int64) async throws {
        // One name for one time: to arm it again, after an attempt that died behind it, changes nothing.
        let id = Self.wakeID(turn, due)
        try await schedule("\(session)/\(id)", due, Self.wakeEvent(id, session))
    }

    /// How much later a wake is repeated that came before its time: the service's clock is ahead of this machine's, and
    /// a time that is past by that clock is none that it takes. As long as the service takes to deliver, at most.
    private static let again: Int64 = 60_000

    /// Has a turn gone on with after a wake that came too early. Leaves the first wake, which may be still to come.
    func wakeAgain(_ session: String, turn: Int, at due: Int64) async throws {
        let id = Self.wakeID(turn, due)
        let (later, isNever) = due.addingReportingOverflow(Self.again)
        try await schedule("\(session)/\(id)/again", isNever ? .max : later, Self.wakeEvent(id, session))
    }

    private static func wakeID(_ turn: Int, _ due: Int64) -> String { "wake/\(turn)/\(due)" }

    private static func wakeEvent(_ id: String, _ session: String) -> JSONValue {
        ["session": .init(session), "id": .init(id), "wake": true]
    }

    /// Has a message delivered that the session has asked for. What it says stays in the session.
    func deliver(_ message: ScheduledMessage, to session: String) async throws {
        try await schedule("\(session)/\(message.request)", message.due, Self.event(message, session))
    }

    /// Has messages delivered now that were to come while a turn waited.
    func deliver(_ messages: [ScheduledMessage], to session: String) async throws {
        for message in messages { try await invoke(Self.event(message, session)) }
    }

    private static func event(_ message: ScheduledMessage, _ session: String) -> JSONValue {
        ["session": .init(session), "id": .init(message.request), "schedule": .init(message.id)]
    }

    /// Has a turn gone on with in another invocation.
    /// - Parameter fruitless: How many invocations in a row have done nothing.
    func goOn(with request: AgentRequest, fruitless: Int) async throws {
        var event: JSONObject = ["session": .init(request.session), "id": .init(request.id)]
        // A message that is due may only have met the turn, and is to come itself after it.
        if case .scheduled(let id) = request.content { event["schedule"] = .init(id) } else { event["resume"] = true }
        if fruitless > 0 { event["fruitless"] = .init(fruitless) }
        try await invoke(.object(event))
    }
}
