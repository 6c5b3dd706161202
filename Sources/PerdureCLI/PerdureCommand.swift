// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Perdure

/// The `perdure` command.
@main
struct PerdureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perdure",
        abstract: "Agents that persist on AWS Lambda: run them locally, and look at what they remember.",
        subcommands: [
            DevCommand.self, ChatCommand.self, SessionsCommand.self, ShowCommand.self, UsageCommand.self,
            MemoryCommand.self, VerifyCommand.self, QuarantineCommand.self, ExportCommand.self, ImportCommand.self,
            ForkCommand.self, RewindCommand.self, CheckpointCommand.self, EraseCommand.self,
        ]
    )

    /// As the package's own, but for errors of the store, which may hold texts of others.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as SessionStoreError {
            exit(withError: CommandFailure(error))
        } catch {
            exit(withError: error)
        }
    }
}
