// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// Runs a program to its end; returns its exit code and what it printed, errors included.
func shell(_ arguments: String...) throws -> (code: Int32, output: String) {
    try shell(arguments)
}

/// The same with the arguments in an array.
func shell(_ arguments: [String]) throws -> (code: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

/// What the stock `sqlite3` shell answers.
func sqlite3(_ database: String, _ sql: String) throws -> String {
    try shell("sqlite3", database, sql).output.trimmingCharacters(in: .newlines)
}

/// Runs blocking work on a thread that is not one of Swift's.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}

/// Waits until something is so.
func waitUntil(_ condition: () throws -> Bool) async throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(30))
    while try !condition() {
        struct TookTooLong: Error {}
        if .now > limit { throw TookTooLong() }
        try await Task.sleep(for: .milliseconds(2))
    }
}
