// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization
import Testing

/// A program that was built beside the tests, run as a child.
final class Program: Sendable {
    /// What it has written to standard error so far.
    let errors = Mutex("")
    private let process = Process()
    private let output = Pipe()

    /// Starts it. Its variables are the test's, without those that begin with PERDURE_.
    init(_ name: String, _ arguments: [String]) throws {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = folder.appendingPathComponent(name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PERDURE_") }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        Thread.detachNewThread { [self] in
            while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
                errors.withLock { $0 += String(decoding: data, as: UTF8.self) }
            }
        }
    }

    /// Asks it to end.
    func terminate() { process.terminate() }

    /// Waits for its end: the status, and what it wrote to standard output.
    func finish() async throws -> (status: Int32, output: String) {
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// Waits until a line of standard error holds a text, and returns the line.
    func errorLine(containing text: String) async throws -> String {
        while true {
            let lines = errors.withLock { $0.split(separator: "\n").map(String.init) }
            if let line = lines.first(where: { $0.contains(text) }) { return line }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
