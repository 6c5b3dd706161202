// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// A session that exists.
struct SessionArgument: ParsableArguments {
    @Argument(help: "The id of the session.")
    var session: String

    @Option(help: "The agent, where several have a session of that id.")
    var agent: String?

    @OptionGroup var options: StoreOptions

    /// Opens the store and finds the session's agent.
    func find() throws -> StoredSession {
        try StoredSession(session, of: agent, in: options.store())
    }
}

/// A session, and where it is.
struct StoredSession {
    let store: SessionStore
    let session: SessionID
    let agent: AgentName

    /// Finds the agent that has the session, unless it is named.
    init(_ session: String, of agent: String?, in store: SessionStore) throws {
        try self.init(SessionID(session), of: agent, in: store)
    }

    /// The same for an id that was checked.
    init(_ session: SessionID, of agent: String?, in store: SessionStore) throws {
        self.store = store
        self.session = session
        if let agent {
            self.agent = try AgentName(agent)
            return
        }
        let agents = try store.agents(having: self.session)
        guard let only = agents.first else {
            let missing = [SessionID.sharedMemory: "a shared memory", .responseCache: "a response cache"][session]
            throw ValidationError(
                missing.map { "no agent below \(store.root) has \($0)" }
                    ?? "there is no session \(session) below \(store.root); see `perdure sessions`")
        }
        guard agents.count == 1 else {
            let names = agents.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("several agents have it, choose with --agent: \(names)")
        }
        self.agent = only
    }

    /// How long a command waits for somebody who has the session: longer than most steps of a turn.
    static var deadline: ContinuousClock.Instant { .now.advanced(by: .seconds(10)) }

    /// Leases it for as long as `body` takes.
    func withLease<Result>(
        attempt: String = "read",
        _ body: (inout LeasedSession) throws -> Result
    ) throws -> Result {
        var lease = try store.leaseExisting(session, of: agent, attempt: attempt, until: Self.deadline)
        let result: Result
        do {
            result = try body(&lease)
        } catch {
            try? lease.release()
            throw error
        }
        try lease.release()
        return result
    }

    /// The names, for people.
    var description: String { "\(agent)/\(session)".printableLine }

    /// The names and what else there is to say, for programs.
    func json(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["agent": .init(agent.rawValue), "session": .init(session.rawValue)]
        for (key, value) in more { object[key] = value }
        return .object(object)
    }
}

/// A turn, by its number or its name.
struct TurnName {
    var number: Int?
    var checkpoint: String?

    /// The turn's number; nil when neither is given.
    func turn(in history: History) throws -> Int? {
        if let checkpoint { return try history.turn(ofCheckpoint: checkpoint) }
        return number
    }
}
