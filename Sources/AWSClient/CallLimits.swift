// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// How often and how long a call to AWS is tried.
package struct CallLimits: Sendable, Hashable {
    /// How many times a request is sent at most, at least once.
    package var attempts: Int
    /// How long one of them may take.
    package var attemptTimeout: Duration
    /// How long all of it may take, waits included. Nothing is sent again after that.
    package var total: Duration
    /// The longest wait before the second attempt; it doubles with each further one.
    package var base: Duration
    /// The longest wait before any attempt.
    package var cap: Duration

    /// Makes limits.
    package init(
        attempts: Int = 4, attemptTimeout: Duration = .seconds(5), total: Duration = .seconds(15),
        base: Duration = .milliseconds(100), cap: Duration = .seconds(2)
    ) {
        self.attempts = attempts
        self.attemptTimeout = attemptTimeout
        self.total = total
        self.base = base
        self.cap = cap
    }

    /// How long to wait after that many attempts, drawn evenly from zero to a bound, so that callers that were refused
    /// together do not come back together; nil when there is no further attempt.
    func delay(after count: Int) -> Duration? {
        guard count < attempts else { return nil }
        var bound = min(base, cap)
        for _ in 1..<max(count, 1) where bound < cap { bound = min(bound * 2, cap) }
        return bound * Double.random(in: 0...1)
    }
}
