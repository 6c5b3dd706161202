// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ModelClients

/// Runs the operation, and cancels it at the cutoff: then ``AgentError/Code/deadlineExceeded`` is thrown.
///
/// It returns only once the operation has ended, as everything that it started must not run on into the freeze.
func withCutoff<Result: Sendable>(
    _ cutoff: ContinuousClock.Instant?,
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    guard let cutoff else { return try await operation() }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try? await Task.sleep(until: cutoff, clock: .continuous)
            return nil
        }
        defer { group.cancelAll() }
        if let result = try await group.next(), let result { return result }
        group.cancelAll()
        do {
            // The operation may just have made it, or have failed for a reason of its own.
            if let result = try await group.next(), let result { return result }
        } catch is CancellationError {
        } catch let error as ModelError where error.code == .cancelled {
        }
        throw AgentError.late
    }
}
