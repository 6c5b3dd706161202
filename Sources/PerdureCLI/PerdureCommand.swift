// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser

/// The `perdure` command.
@main
struct PerdureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perdure",
        abstract: "Agents that persist on AWS Lambda: run them locally, and look at what they remember.",
        subcommands: [DevCommand.self, ChatCommand.self, SessionsCommand.self, ShowCommand.self]
    )
}
