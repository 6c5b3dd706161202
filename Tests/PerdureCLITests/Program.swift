// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization
import Testing

/// A program that was built beside the tests, run as a child.
final class Program: Sendable {
    /// What it has written to standard output so far.
    let output = Mutex("")
    /// What it has written to standard error so far.
    let errors = Mutex("")
    private let process = Process()
    private let input = Pipe()
    /// How many of the two have ended.
    private let endCount = Atomic(0)

    /// Starts it. Its variables are the test's, without those that begin with PERDURE_.
    init(_ name: String, _ arguments: [String]) throws {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = folder.appendingPathComponent(name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PERDURE_") }
        process.standardInput = input
        let (outputPipe, errorPipe) = (Pipe(), Pipe())
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        try process.run()
        read(outputPipe) { text in self.output.withLock { $0 += text } }
        read(errorPipe) { text in self.errors.withLock { $0 += text } }
    }

    private func read(_ pipe: Pipe, _ add: @escaping @Sendable (String) -> Void) {
        Thread.detachNewThread { [self] in
            while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
                add(String(decoding: data, as: UTF8.self))
            }
            endCount.add(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Asks it to end.
    func terminate() { process.terminate() }

    /// Gives it a line on standard input.
    func type(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }

    /// Waits for its end, at the end of its input: the status, and what it wrote to standard output.
    func finish() async throws -> (status: Int32, output: String) {
        try input.fileHandleForWriting.close()
        while process.isRunning || endCount.load(ordering: .sequentiallyConsistent) < 2 {
            try await Task.sleep(for: .milliseconds(5))
        }
        return (process.terminationStatus, output.withLock(\.self))
    }

    /// Waits until standard output holds a text.
    func waitForOutput(_ text: String) async throws {
        while !output.withLock({ $0.contains(text) }) { try await Task.sleep(for: .milliseconds(5)) }
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
