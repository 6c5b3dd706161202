// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

package import JSONCore

/// How the approvals are written down that an agent behind a tool call waits for, and the decisions on them.
package enum InnerApprovals {
    private static let prefix = "subagent/"

    /// The step in which a call says what its agent waits for, the first, second … time.
    package static func step(round: Int) -> String { prefix + String(round) }

    /// The signal that carries the decisions.
    package static func signal(for position: CallPosition, round: Int) -> String { "\(prefix)\(position)/\(round)" }

    /// The call that a signal is for; nil when it carries no decisions.
    package static func position(ofSignal name: String) -> CallPosition? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, name.hasPrefix(prefix), Int(parts[2]) != nil else { return nil }
        return CallPosition(String(parts[1]))
    }

    /// Whether a signal of that name carries decisions.
    static func isName(_ signal: String) -> Bool { signal.hasPrefix(prefix) }

    package static func json(_ approvals: [Approval]) -> JSONValue { .array(approvals.map(\.json)) }
}

extension History {
    /// What the agents behind the open calls wait for; the path of each begins with the call.
    package var innerApprovals: [Approval] {
        calls.flatMap { open in
            (open.inner?.approvals ?? []).map { approval in
                var approval = approval
                approval.path.insert(open.position, at: 0)
                return approval
            }
        }
    }

    /// How an attempt ends whose tools wait until a time.
    package func waitingOutcome(until: Int64?) -> Outcome {
        let approvals = approvals + innerApprovals
        return approvals.isEmpty ? .suspended(until: until) : .awaiting(approvals)
    }
}

extension History.OpenCall {
    /// What the agent behind this call waits for, and how often it has before.
    var inner: (round: Int, approvals: [Approval])? {
        guard !isSettled else { return nil }
        var round = 1
        guard steps[InnerApprovals.step(round: round)] != nil else { return nil }
        while steps[InnerApprovals.step(round: round + 1)] != nil { round += 1 }
        let signal = SignalStep.step(ofSignal: InnerApprovals.signal(for: position, round: round))
        guard steps[signal] == nil, let items = steps[InnerApprovals.step(round: round)]?.array else { return nil }
        return (round, items.compactMap(Approval.init(json:)))
    }
}

extension AgentLoop {
    /// Decisions on what agents behind calls wait for, as the signals that take them there.
    func signals(for verdicts: [Verdict]) throws(LoopError) -> [(name: String, value: JSONValue)] {
        var signals: [(name: String, value: [JSONValue])] = []
        for verdict in verdicts {
            guard let outer = verdict.path.first,
                let open = history.calls.first(where: { $0.position == outer }), let inner = open.inner,
                inner.approvals.contains(where: {
                    $0.position == verdict.position && $0.path == Array(verdict.path.dropFirst())
                })
            else {
                throw LoopError(code: .noSuchApproval, detail: "call \(verdict.name) does not wait for a decision")
            }
            let name = InnerApprovals.signal(for: outer, round: inner.round)
            guard history.signals[name, default: []].isEmpty else {
                throw LoopError(code: .noSuchApproval, detail: "call \(verdict.name) was decided on before")
            }
            var told = verdict
            told.path.removeFirst()
            if let index = signals.firstIndex(where: { $0.name == name }) {
                signals[index].value.append(told.json)
            } else {
                signals.append((name, [told.json]))
            }
        }
        return signals.map { ($0.name, .array($0.value)) }
    }
}
