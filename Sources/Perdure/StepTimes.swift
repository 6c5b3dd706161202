// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// How long steps take, as this sandbox has seen it.
///
/// The longest of late, which each further run makes a fifth shorter: one slow answer is not held against a model for ever.
final class StepTimes: Sendable {
    private let longest = Mutex<[String: Duration]>([:])

    /// The model's name here; no tool has it, as it is no plain name.
    static let model = "model call"

    func expected(_ step: String) -> Duration { longest.withLock { $0[step] ?? .zero } }

    func note(_ step: String, _ time: Duration) {
        longest.withLock { $0[step] = max(time, ($0[step] ?? .zero) * 4 / 5) }
    }
}
