// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// `perdure erase`: removes a session, or a file that an agent's sessions share.
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Remove a session with everything in it, or what an agent's sessions share. There is no way back.",
        discussion: """
            What a session has left elsewhere stays: in the memory that the agent's sessions share, among the cached \
            replies, in sessions of the agents that it has called, in forks and in exports. The blocks on the disk are not \
            overwritten. A session that somebody holds is waited for, for ten seconds. \(exitStatuses)
            """
    )

    @Argument(help: "The id of the session; none with --shared or --replies.")
    var session: String?

    @Flag(help: "The memory that the agent's sessions share.")
    var shared = false

    @Flag(help: "The replies of the model that the agent's sessions share, its response cache.")
    var replies = false

    @Option(help: "The agent, where several have a session of that id, or such a file.")
    var agent: String?

    @OptionGroup var options: StoreOptions

    func validate() throws {
        guard [session != nil, shared, replies].count(where: \.self) == 1 else {
            throw ValidationError("give a session, --shared or --replies")
        }
    }

    func run() async throws {
        let id = try session.map { try SessionID($0) } ?? (shared ? .sharedMemory : .responseCache)
        let found = try StoredSession(id, of: agent, in: options.store())
        try found.store.erase(found.session, of: found.agent, until: StoredSession.deadline)
        options.report(found.json(["erased": true]), "\(found.description) was erased")
    }
}
