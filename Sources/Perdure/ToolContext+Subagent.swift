// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

extension ToolContext {
    /// Notes what an agent behind this call waits for, and waits for decisions on it; nil when the time for one of them is up.
    ///
    /// What arrives and is not understood counts as no decision at all: then it is empty.
    /// - Parameter round: Which time this is in the call, from 1.
    func decisions(on approvals: [Approval], round: Int) async throws -> [Verdict]? {
        guard let link else { return [] }
        if try journal.begin(.approvals(round: round)) == nil {
            try await journal.end(.approvals(round: round), InnerApprovals.json(approvals))
        }
        let name = InnerApprovals.signal(for: link.position, round: round)
        guard let value = try await signal(name, until: approvals.compactMap(\.expires).min()) else { return nil }
        return (value.array ?? []).compactMap { try? Verdict(event: $0) }
    }
}
