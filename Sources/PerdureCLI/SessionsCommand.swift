// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// Where the sessions are, and how to print.
struct StoreOptions: ParsableArguments {
    @Option(help: "The folder that the sessions are kept in.")
    var root = ".perdure"

    @Flag(help: "Print JSON.")
    var json = false

    /// Opens the store; a folder that does not exist is an error here, and not created.
    func store() throws -> SessionStore { try Self.store(root) }

    /// The same for a folder that is given otherwise.
    static func store(_ root: String) throws -> SessionStore {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder), isFolder.boolValue else {
            throw ValidationError("\(root) is no folder; name the sessions' folder with --root")
        }
        return try SessionStore(root: root)
    }
}

/// `perdure sessions`: what there is.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "List the sessions below a root folder."
    )

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let (sessions, unreadable) = try options.store().sessions()
        if options.json {
            let value: JSONValue = [
                "sessions": .array(sessions.map(\.json)),
                "unreadable": .array(
                    unreadable.map { ["folder": .init($0.folder), "error": .init($0.error.description)] }),
            ]
            print(value.pretty)
        } else if sessions.isEmpty {
            print("no sessions")
        } else {
            var table = Table(["AGENT", "SESSION", "TURNS", "ENTRIES", "UPDATED"])
            for session in sessions {
                table.add([
                    session.agent.printableLine, session.session.printableLine, "\(session.turns)",
                    "\(session.entries)",
                    session.updated.map(timestamp) ?? "never",
                ])
            }
            print(table)
        }
        for session in unreadable where !options.json {
            FileHandle.standardError.write(Data("\("\(session.folder): \(session.error)".printableLine)\n".utf8))
        }
        if !unreadable.isEmpty { throw ExitCode(1) }
    }
}

extension SessionSummary {
    var json: JSONValue {
        [
            "agent": .init(agent), "session": .init(session), "turns": .init(turns), "entries": .init(entries),
            "created": .init(timestamp(created)), "updated": updated.map { .init(timestamp($0)) } ?? .null,
        ]
    }
}

/// Milliseconds since 1970 as ISO 8601, in UTC.
func timestamp(_ milliseconds: Int64) -> String {
    // In two parts: as a fraction of a second, the milliseconds would be cut by Double's rounding.
    let fraction = ((milliseconds % 1000) + 1000) % 1000
    let second = Date(timeIntervalSince1970: Double((milliseconds - fraction) / 1000)).formatted(.iso8601)
    return "\(second.dropLast()).\(String(1000 + fraction).dropFirst())Z"
}
