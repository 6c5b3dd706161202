// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Synchronization

/// A step whose name cannot be used.
public struct InvalidStep: Error, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String

    /// Thrown to a task that a tool has left behind.
    static let late = InvalidStep(description: "The run of the tool that this step is of has ended.")
}

/// Ends a tool's run that waits. A tool has to let it through.
struct ToolSuspension: Error, CustomStringConvertible {
    /// Until a time, in milliseconds since 1970; nil for a signal alone.
    let until: Int64?
    let description = "The tool waits. This error ends its run until it is to go on, and must not be caught."
}

/// The signals that came for a turn and that no tool has taken yet.
final class SignalBox: Sendable {
    private let signals: Mutex<[String: [JSONValue]]>

    init(_ signals: [String: [JSONValue]]) { self.signals = Mutex(signals) }

    func put(_ name: String, _ value: JSONValue) { signals.withLock { $0[name, default: []].append(value) } }

    /// The oldest one of a name.
    func take(_ name: String) -> JSONValue? {
        signals.withLock { $0[name]?.isEmpty == false ? $0[name]?.removeFirst() : nil }
    }
}

/// The steps of one call.
final class StepJournal: Sendable {
    /// What a step is called. Those that a tool names itself, and those that its waits are recorded as, are kept apart.
    enum Name {
        case step(String)
        case wait(String)
        case signal(String)
        case schedule(String)
        case approvals(round: Int)

        private static let reserved = ["wait/", "signal/", "schedule/", "subagent/"]

        fileprivate func key() throws(InvalidStep) -> String {
            let (name, key) =
                switch self {
                case .step(let name): (name, name)
                case .wait(let name): (name, "wait/" + name)
                case .signal(let name): (name, SignalStep.step(ofSignal: name))
                case .schedule(let name): (name, "schedule/" + name)
                case .approvals(let round): ("approvals", InnerApprovals.step(round: round))
                }
            guard (1...256).contains(name.utf8.count) else {
                throw InvalidStep(description: "A step's name is 1 to 256 bytes long.")
            }
            if case .step = self, Self.reserved.contains(where: name.hasPrefix) {
                throw InvalidStep(description: "A step's name begins with neither of \(Self.reserved): \(name)")
            }
            return key
        }
    }

    private struct State {
        var recorded: [String: JSONValue]
        var used: Set<String> = []
        /// Why a fact is not in the log that should be. The call may be somebody else's by now.
        var failure: (any Error)?
    }

    let signals: SignalBox
    private let state: Mutex<State>
    private let append: @Sendable ([Fact]) async throws -> Void

    /// What a journal makes durable.
    enum Fact: Sendable {
        case step(String, JSONValue)
        case schedule(ScheduledMessage)
    }

    /// - Parameter append: Makes facts durable, in one commit.
    init(
        recorded: [String: JSONValue],
        signals: SignalBox,
        append: @escaping @Sendable ([Fact]) async throws -> Void
    ) {
        state = Mutex(State(recorded: recorded))
        self.signals = signals
        self.append = append
    }

    /// The call is run again from its beginning: the names of steps may be used again.
    func beginAgain() {
        state.withLock { $0.used = [] }
    }

    /// The value of a step that is done.
    ///
    /// Throws what kept an earlier step from being recorded: what follows it, such as undoing it, is for a run that knows
    /// what became of it.
    func begin(_ name: Name) throws -> JSONValue? {
        let key = try name.key()
        return try state.withLock { state in
            guard state.used.insert(key).inserted else {
                throw InvalidStep(description: "Two steps of one call have the same name: \(key)")
            }
            if let value = state.recorded[key] { return value }
            if let failure = state.failure { throw failure }
            return nil
        }
    }

    /// Makes the value of a step durable.
    func end(_ name: Name, _ value: JSONValue) async throws {
        let key = try name.key()
        try await record([.step(key, value)], as: key, value)
    }

    /// Makes a message durable, and that it is.
    func note(_ message: ScheduledMessage, as name: Name) async throws {
        let (key, due) = (try name.key(), JSONValue(Int(message.due)))
        try await record([.schedule(message), .step(key, due)], as: key, due)
    }

    /// Does what is one commit with the record that it was done, if there is anything to record.
    func end(_ name: Name, by change: () async throws -> (answer: String, isRecorded: Bool)) async throws -> String {
        let key = try name.key()
        return try await noting {
            let (answer, isRecorded) = try await change()
            if isRecorded { state.withLock { $0.recorded[key] = .init(answer) } }
            return answer
        }
    }

    private func record(_ facts: [Fact], as key: String, _ value: JSONValue) async throws {
        try await noting { try await append(facts) }
        state.withLock { $0.recorded[key] = value }
    }

    private func noting<Result>(_ change: () async throws -> Result) async throws -> Result {
        do {
            return try await change()
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }
}
