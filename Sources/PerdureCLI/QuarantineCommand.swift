// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// `perdure quarantine`: moves a damaged session aside.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Move a damaged session aside, so that the next turn begins a new one. Nothing is deleted.",
        discussion: """
            The session is verified again, and stays when nothing of what is found is damage. Its folder becomes \
            ROOT/.quarantine/AGENT/NAME-N/session, with report.json beside it, which says what was found and how to go on. \
            Look first whether it is the mount or the server that is broken: a session that begins anew has forgotten \
            what its tools did. \(exitStatuses)
            """
    )

    @Argument(help: "The id of the session; leave it out with --folder.")
    var session: String?

    @Option(help: "The agent, where several have a session of that id.")
    var agent: String?

    @Option(help: "The session's folder, below the root, as `perdure verify` names it.")
    var folder: String?

    @OptionGroup var options: StoreOptions

    func validate() throws {
        guard (session == nil) != (folder == nil) else {
            throw ValidationError("give either the id of a session or --folder")
        }
    }

    func run() async throws {
        let store = try options.store()
        let moved: QuarantinedSession
        if let folder {
            moved = try store.quarantine(folder: folder)
        } else {
            let found = try StoredSession(session ?? "", of: agent, in: store)
            moved = try store.quarantine(found.session, of: found.agent)
        }
        var json = moved.report.json
        json["quarantined"] = .init(moved.folder)
        options.report(
            .object(json),
            "\(moved.report.folder) was moved to \(moved.folder); report.json beside it says how to go on".printableLine
        )
    }
}
