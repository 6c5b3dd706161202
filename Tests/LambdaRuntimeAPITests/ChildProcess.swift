// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

/// An executable of this package, run to its end.
struct ChildProcess {
    let status: Int32
    let standardError: String

    /// The path of an executable that was built next to the tests.
    static func url(_ name: String) throws -> URL {
        try #require(Bundle.main.executableURL).deletingLastPathComponent().appendingPathComponent(name)
    }

    /// Runs an executable that was built next to the tests, with these variables and no others, and tells its number
    /// once it runs.
    static func run(
        _ name: String, environment: [String: String], started: (Int32) -> Void = { _ in }
    ) async throws -> ChildProcess {
        let process = Process()
        process.executableURL = try url(name)
        process.environment = environment
        let output = Pipe()
        process.standardError = output
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
                started(process.processIdentifier)
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        // A few lines fit the pipe, so reading can wait for the end.
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        #expect(process.terminationReason == .exit)
        return ChildProcess(status: process.terminationStatus, standardError: String(decoding: bytes, as: UTF8.self))
    }
}
