// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import LambdaEmulator

/// `perdure dev`: the local Lambda.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a bootstrap under a local Lambda that freezes, times out and restarts sandboxes as AWS does.",
        discussion: """
            Invoke it with any Lambda client, for example:
              aws lambda invoke --endpoint-url http://127.0.0.1:3001 --function-name agent \\
                --cli-binary-format raw-in-base64-out --payload '{"session":"a","message":"Hello"}' /dev/stdout

            The function may invoke itself and make schedules that wake it; they last until this command ends. A line that
            begins with SCHEDULE says when one is made and when it fires.
            """
    )

    @Argument(help: "The executable to run.")
    var bootstrap: String

    @Option(help: "The port of the Invoke API on 127.0.0.1; 0 takes a free one.")
    var port = 3001

    @Flag(help: "Do not stop sandboxes between invocations.")
    var noFreeze = false

    @Flag(help: "Refuse invocations beyond the concurrency with 429 instead of queueing them.")
    var throttle = false

    @Option(help: "How many invocations one sandbox may run at once, as on Lambda Managed Instances (1 or more).")
    var concurrencyPerSandbox = 1

    @OptionGroup var options: FunctionOptions

    func validate() throws {
        guard concurrencyPerSandbox >= 1 else {
            throw ValidationError("--concurrency-per-sandbox must be at least 1")
        }
    }

    func run() async throws {
        var function = try options.function(bootstrap)
        function.freezesBetweenInvocations = !noFreeze
        function.concurrencyPerSandbox = concurrencyPerSandbox
        function.whenBusy = throttle ? .throttle : .queue
        let emulator = LambdaEmulator(functions: [function])
        let signals = StopSignals()
        let address = try await emulator.start(port: port)
        LambdaEmulator.standardError("function \(function.name) at \(address); stop with Ctrl-C")
        await signals.wait()
        await emulator.shutdown()
    }
}
