// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure show`: what was said.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the messages of a session, in order."
    )

    @Argument(help: "The id of the session.")
    var session: String

    @Option(help: "The agent, where several have a session of that id.")
    var agent: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let store = try options.store()
        let agent = try AgentName(self.agent ?? onlyAgent(in: store))
        let lease = try store.leaseExisting(SessionID(session), of: agent, until: .now.advanced(by: .seconds(10)))
        let summary = try lease.summary()
        let entries = try lease.storedEntries()
        try lease.release()

        let transcript = Transcript(entries)
        if options.json {
            guard case .object(var object) = summary.json else { return }
            object["messages"] = .array(transcript.messages.map(\.json))
            print(String(decoding: JSONValue.object(object).bytes(.pretty), as: UTF8.self))
        } else {
            for message in transcript.messages { print(message.description.printable) }
        }
    }

    private func onlyAgent(in store: SessionStore) throws -> String {
        let agents = try store.sessions().readable.filter { $0.session == session }.map(\.agent)
        guard let only = agents.first else {
            throw ValidationError("there is no session \(session) below \(store.root); see `perdure sessions`")
        }
        guard agents.count == 1 else {
            throw ValidationError("several agents have it, choose with --agent: \(agents.joined(separator: ", "))")
        }
        return only
    }
}
