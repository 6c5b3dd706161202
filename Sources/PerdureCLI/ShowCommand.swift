// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure show`: what was said.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the messages of a session, in order, and its checkpoints."
    )

    @OptionGroup var argument: SessionArgument

    func run() async throws {
        let found = try argument.find()
        let (summary, entries) = try found.withLease { lease in (try lease.summary(), try lease.storedEntries()) }
        // Of a log that was not written by this library, or is damaged, what was said is shown all the same.
        let checkpoints = history(of: entries)?.checkpoints.sorted { ($0.value, $0.key) < ($1.value, $1.key) }

        let transcript = Transcript(entries)
        if argument.options.json {
            guard case .object(var object) = summary.json else { return }
            object["messages"] = .array(transcript.messages.map(\.json))
            object["checkpoints"] =
                checkpoints.map { .array($0.map { ["label": .init($0.key), "turn": .init($0.value)] }) } ?? .null
            print(JSONValue.object(object).pretty)
        } else {
            for message in transcript.messages { print(message.description.printable) }
            for (label, turn) in checkpoints ?? [] { print("checkpoint \(label.printableLine): turn \(turn)") }
            if checkpoints == nil { say("an entry cannot follow those before it; see `perdure verify`\n") }
        }
    }

    private func history(of entries: [StoredEntry]) -> History? {
        var history = History()
        for stored in entries {
            guard (try? history.apply(stored.entry)) != nil else { return nil }
        }
        return history
    }
}
