// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// When an invocation ends.
///
/// The service says it in milliseconds since 1970; waiting is done on a clock that nobody sets, so the distance is
/// taken once, when the invocation arrives.
public struct Deadline: Sendable, Hashable {
    /// Milliseconds since 1970, as the service said it.
    public let millisecondsSinceEpoch: Int64
    /// The same moment on the clock of this sandbox.
    public let instant: ContinuousClock.Instant

    /// Creates a deadline from the service's milliseconds.
    public init(millisecondsSinceEpoch: Int64) {
        var now = timespec()
        // Cannot fail: CLOCK_REALTIME exists on every system.
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let elapsed = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        let (distance, overflow) = millisecondsSinceEpoch.subtractingReportingOverflow(elapsed)
        // Lambda's limit is 15 minutes. Anything else is bounded, so that no arithmetic on it can overflow. The
        // subtraction itself overflows only for a moment long before 1970.
        let day: Int64 = 86_400_000
        self.millisecondsSinceEpoch = millisecondsSinceEpoch
        instant = .now.advanced(by: .milliseconds(overflow ? -day : min(max(distance, -day), day)))
    }

    /// The time left, at least zero.
    public var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: instant)) }
}
