// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

extension AgentLoop {
    /// What is to be done about an open call.
    enum CallStep {
        case wait
        case record(Entry.Fact)
        case run(ToolRun, claim: Entry.Fact?)
    }

    /// Decides by what is recorded of the call, and by what its tool is now.
    func nextStep(of open: History.OpenCall) -> CallStep {
        let position = open.position
        var attempt = 1
        switch open.state {
        case .awaiting, .settled:
            return .wait
        case .claimed(.once, _), .claimed(.pure, _):
            return .record(.result(position, .unknown))
        case .claimed(.idempotent, let earlier):
            attempt = earlier + 1
        case .asked, .approved:
            break
        }
        guard let tool = definition.tools.first(where: { $0.name == open.call.name }) else {
            return .record(.result(position, attempt > 1 ? .unknown : .noSuchTool(among: definition.tools)))
        }
        // A later version of the agent may call the same tool a different thing: what is "once" now is not run again.
        if attempt > 1, tool.effect == .once { return .record(.result(position, .unknown)) }
        let arguments: JSONValue
        let requirement: ApprovalRequirement
        do {
            // Models leave the text empty for a tool without arguments.
            let text = open.editedArguments ?? open.call.arguments
            arguments = try JSONValue(parsing: (text.isEmpty ? "{}" : text).utf8)
            requirement = try tool.review(arguments)
        } catch {
            return .record(.result(position, attempt > 1 ? .unknown : .badArguments(error)))
        }
        if case .required(let reason, let patience) = requirement, open.state == .asked {
            let expires = patience.map { time + $0.milliseconds }
            return .record(.approvalRequest(position, reason: reason, expires: expires))
        }
        let run = ToolRun(
            position: position, tool: tool.name, arguments: arguments,
            idempotencyKey: definition.idempotencyKey(of: position), steps: open.steps)
        guard tool.effect != .pure else { return .run(run, claim: nil) }
        return .run(run, claim: .claim(position, tool: tool.name, effect: tool.effect, attempt: attempt))
    }
}

extension Duration {
    /// Few enough to be added to a time.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(max(seconds, 0), .max / 2000) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
