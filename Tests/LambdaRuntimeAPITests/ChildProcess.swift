// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

/// An executable of this package, run to its end.
struct ChildProcess {
    let status: Int32
    let standardError: String

    /// Runs an executable that was built next to the tests, with these variables and no others.
    static func run(_ name: String, environment: [String: String]) async throws -> ChildProcess {
        let folder = try #require(Bundle.main.executableURL).deletingLastPathComponent()
        let process = Process()
        process.executableURL = folder.appendingPathComponent(name)
        process.environment = environment
        let output = Pipe()
        process.standardError = output
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch {
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
