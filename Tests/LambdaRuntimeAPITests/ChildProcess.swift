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

    /// Runs an executable that was built next to the tests, with these variables and no others.
    /// - Parameter meanwhile: What to do with it while it runs.
    static func run(
        _ name: String,
        environment: [String: String],
        meanwhile: @Sendable (_ processID: Int32) async throws -> Void = { _ in }
    ) async throws -> ChildProcess {
        let process = Process()
        process.executableURL = try url(name)
        process.environment = environment
        let output = Pipe()
        process.standardError = output
        let (ends, end) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        do {
            try await meanwhile(process.processIdentifier)
        } catch {
            kill(process.processIdentifier, SIGKILL)
            throw error
        }
        for await _ in ends {}
        // A few lines fit the pipe, so reading can wait for the end.
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        #expect(process.terminationReason == .exit)
        return ChildProcess(status: process.terminationStatus, standardError: String(decoding: bytes, as: UTF8.self))
    }
}
