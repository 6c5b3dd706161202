// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import LambdaEmulator
import Perdure

/// `perdure chat`: talks to an agent, in a terminal or with one prompt.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk to an agent: to a bootstrap under a local Lambda, or to any Invoke API.",
        discussion: "With --prompt, the reply is printed on standard output and everything else on standard error."
    )

    @Argument(help: "The executable to run; leave it out with --endpoint.")
    var bootstrap: String?

    @Option(help: "The address of an Invoke API that is running already, such as that of `perdure dev`.")
    var endpoint: String?

    @Option(help: "The id of the session.")
    var session = "default"

    @Option(help: "Say this, print the reply and exit.")
    var prompt: String?

    @Flag(help: "Print the logs of the function on standard error.")
    var verbose = false

    @OptionGroup var options: FunctionOptions

    func validate() throws {
        guard (bootstrap == nil) != (endpoint == nil) else {
            throw ValidationError("give either a bootstrap to run or --endpoint")
        }
    }

    func run() async throws {
        let signals = StopSignals()
        var emulator: LambdaEmulator?
        let address: String
        if let bootstrap {
            let isVerbose = verbose
            let local = LambdaEmulator(functions: [try options.function(bootstrap)]) { line in
                if isVerbose { LambdaEmulator.standardError(line) }
            }
            address = try await local.start().description
            emulator = local
        } else {
            address = endpoint ?? ""
        }
        let conversation = Conversation(
            client: InvokeClient(endpoint: address, function: options.name, timeout: .seconds(options.timeout + 30)),
            session: session
        )
        // The conversation, or a signal, whichever ends first; the sandboxes end in any case.
        let failure = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { await talk(conversation) }
            group.addTask {
                await signals.wait()
                return ExitCode(130)
            }
            let first = await group.next()
            group.cancelAll()
            return first.flatMap(\.self)
        }
        await emulator?.shutdown()
        if let failure { throw failure }
    }

    private func talk(_ conversation: Conversation) async -> (any Error)? {
        do {
            if let prompt {
                print(try await conversation.reply(to: prompt))
            } else {
                try await conversation.run()
            }
            return nil
        } catch {
            return error
        }
    }
}
