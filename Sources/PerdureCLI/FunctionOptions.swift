// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import LambdaEmulator

/// The options of a function that runs in the local Lambda.
struct FunctionOptions: ParsableArguments {
    @Option(help: "The name of the function.")
    var name = "agent"

    @Option(help: "The folder that stands for the mounted file system: the function's PERDURE_ROOT.")
    var root = ".perdure"

    @Option(help: "How long an invocation may take, in seconds (1 to 900).")
    var timeout = 60

    @Option(help: "How many sandboxes may run at once (1 or more).")
    var concurrency = 1

    @Option(help: "The memory size that the function is told, in MB.")
    var memory = 512

    @Option(
        name: .customLong("env"),
        help: "A variable for the function, as NAME=VALUE; repeatable. Those that begin with PERDURE_ are passed on."
    )
    var variables: [String] = []

    func validate() throws {
        guard (1...900).contains(timeout) else { throw ValidationError("--timeout must be 1 to 900 seconds") }
        guard concurrency >= 1 else { throw ValidationError("--concurrency must be at least 1") }
        guard variables.allSatisfy({ $0.contains("=") }) else { throw ValidationError("--env takes NAME=VALUE") }
    }

    /// The function that a bootstrap is run as.
    func function(_ bootstrap: String) throws -> FunctionConfiguration {
        var isFolder: ObjCBool = false
        guard FileManager.default.isExecutableFile(atPath: bootstrap),
            FileManager.default.fileExists(atPath: bootstrap, isDirectory: &isFolder), !isFolder.boolValue
        else {
            throw ValidationError("\(bootstrap) is not an executable file; build it first, with `swift build`")
        }
        var environment = ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix("PERDURE_") }
        // A sandbox runs in the folder of its bootstrap, so the path has to be absolute.
        environment["PERDURE_ROOT"] = URL(filePath: root).absoluteURL.standardizedFileURL.path(percentEncoded: false)
        for variable in variables {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(parts[0])] = String(parts[1])
        }
        return FunctionConfiguration(
            name: name,
            bootstrap: bootstrap,
            environment: environment,
            timeout: .seconds(timeout),
            memorySize: memory,
            maximumConcurrency: concurrency
        )
    }
}
