// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Logging
import Synchronization

/// What a turn has cost so far, for the log.
final class TurnTally: Sendable {
    private let started = ContinuousClock.now
    private let modelCallCount = Atomic(0)
    private let toolRunCount = Atomic(0)

    /// How often the model was asked.
    var modelCalls: Int { modelCallCount.load(ordering: .relaxed) }
    /// How many tools were started.
    var toolRuns: Int { toolRunCount.load(ordering: .relaxed) }
    /// How long it has taken.
    var milliseconds: Int {
        let (seconds, attoseconds) = started.duration(to: .now).components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }

    func countModelCall() { modelCallCount.add(1, ordering: .relaxed) }
    func countToolRuns(_ count: Int) { toolRunCount.add(count, ordering: .relaxed) }
}

extension TurnTally {
    /// What a turn's line in the log says.
    func metadata(_ outcome: String, _ session: String?, _ failure: AgentError.Code?) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "outcome": .string(outcome), "modelCalls": .stringConvertible(modelCalls),
            "toolRuns": .stringConvertible(toolRuns), "durationMs": .stringConvertible(milliseconds),
        ]
        if let session { metadata["session"] = .string(session) }
        if let failure { metadata["failure"] = .string(failure.errorType) }
        return metadata
    }
}

extension Outcome {
    /// The word for it in the log.
    var name: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .awaiting: "awaiting"
        case .suspended: "suspended"
        case .continuing: "continuing"
        case .parked: "parked"
        case .cancelled: "cancelled"
        case .queued: "queued"
        }
    }
}
