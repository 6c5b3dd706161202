// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

/// How long a day is: 86,400 seconds, or what `DAY_SECONDS` says, to see many of them go by.
struct Calendar: Sendable {
    let secondsPerDay: Int

    init(_ environment: RuntimeEnvironment = .current()) {
        secondsPerDay = environment["DAY_SECONDS"].flatMap { Int($0) } ?? 86_400
    }

    func days(_ count: Int) -> Duration { .seconds(secondsPerDay * min(max(count, 0), 365)) }

    /// The time in so many days, in milliseconds since 1970.
    func time(inDays count: Int) -> Int64 { wallClock() + days(count).components.seconds * 1000 }
}
