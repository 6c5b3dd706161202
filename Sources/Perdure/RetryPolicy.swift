// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// How often a tool's run that threw is repeated within a turn, and after which time.
public struct RetryPolicy: Sendable, Hashable {
    /// How many runs there are at most, the first one among them.
    public var attempts: Int
    /// The longest wait behind the first run. It doubles with each further one.
    public var base: Duration
    /// The longest wait behind any run.
    public var cap: Duration

    /// One run.
    public static let never = RetryPolicy(attempts: 1, base: .zero, cap: .zero)

    /// Waits that grow exponentially and are drawn evenly from zero to their bound, so that callers that failed together do
    /// not come back together.
    public static func exponential(
        attempts: Int = 3,
        base: Duration = .milliseconds(200),
        cap: Duration = .seconds(10)
    ) -> RetryPolicy {
        RetryPolicy(attempts: max(1, attempts), base: max(.zero, base), cap: max(.zero, cap))
    }

    /// How long to wait after that many runs; nil when there is no further one.
    func delay(after runs: Int) -> Duration? {
        guard runs < attempts else { return nil }
        var bound = min(base, cap)
        // More doublings than a day has seconds reach any cap.
        for _ in 0..<min(runs - 1, 64) where bound < cap { bound = min(bound * 2, cap) }
        return bound * Double.random(in: 0...1)
    }
}

/// Thrown for a run that took longer than the tool's time limit.
struct TimeLimitExceeded: Error, CustomStringConvertible {
    let limit: Duration
    var description: String { "It did not end within \(limit)" }
}

/// Runs the operation, and cancels it at the limit: then ``TimeLimitExceeded`` is thrown. Returns only once it has ended.
func withTimeLimit(
    _ limit: Duration?,
    _ operation: @escaping @Sendable () async throws -> String
) async throws -> String {
    guard let limit else { return try await operation() }
    return try await withThrowingTaskGroup(of: String?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        if let result = try await group.next(), let result { return result }
        group.cancelAll()
        do {
            // It may just have ended.
            if let result = try await group.next(), let result { return result }
        } catch {
            if Task.isCancelled || error is ToolSuspension { throw error }
        }
        throw TimeLimitExceeded(limit: limit)
    }
}
