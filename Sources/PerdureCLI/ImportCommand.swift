// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure import`: a session from JSON Lines.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Create a session from what `perdure export` wrote.",
        discussion: """
            Under its own names it is the same session: its tools keep their idempotency keys. Under other names it is a \
            copy. Refuses a session that exists. \(exitStatuses)
            """
    )

    @Argument(help: "The file; - for standard input.")
    var file: String

    @Option(name: .customLong("as"), help: "The id of the new session; the one in the file unless given.")
    var session: String?

    @Option(help: "The agent of the new session; the one in the file unless given.")
    var agent: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let store = try options.store()
        let archive = try SessionArchive(lines: lines())
        let isShared = session == nil && archive.names.session == SessionID.sharedMemory.rawValue
        let id: SessionID = try isShared ? .sharedMemory : SessionID(session ?? archive.names.session)
        let new = try StoredSession(id, of: agent ?? archive.names.agent, in: store)
        try store.create(new.session, of: new.agent, from: archive, until: StoredSession.deadline)
        let count = archive.entries.count
        options.report(
            new.json(["entries": .init(count)]),
            "\(new.description) has \(count) \(count == 1 ? "entry" : "entries")")
    }

    private func lines() throws -> [JSONValue] {
        let data: Data
        if file == "-" {
            data = try FileHandle.standardInput.readToEnd() ?? Data()
        } else {
            guard let handle = FileHandle(forReadingAtPath: file) else { throw CommandFailure(errno, file) }
            data = try handle.readToEnd() ?? Data()
        }
        var lines: [JSONValue] = []
        for (index, line) in Array(data).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated() where !line.isEmpty
        {
            do {
                lines.append(try JSONValue(parsing: line))
            } catch {
                throw CommandFailure("line \(index + 1): \(error)")
            }
        }
        return lines
    }
}
