// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

extension AgentLoop {
    /// Decides, before a model call, what its request leaves out.
    ///
    /// A function of the log and the definition alone. A cut is recorded before the request that it is for, and no other
    /// one is made for that: so a later attempt asks the same.
    /// - Returns: The summary that has to be written first, if one has.
    mutating func shorten(recording entries: inout [Entry]) throws(LoopError) -> Effect? {
        guard !definition.context.rules.isEmpty, !history.isCut else { return nil }
        var plan = CutPlan(history, fixed: definition.estimatedTokens)
        for rule in definition.context.rules {
            switch rule {
            case .window(let unit, let limit, let target):
                plan.drop(unit, beyond: limit, keeping: target)
            case .toolResults(let limit, let count, let freed):
                plan.clearResults(beyond: limit, keepingNewest: count, freeing: freed)
            case .summary(let limit, let target, let model, let instructions):
                guard plan.drop(.tokens, beyond: limit, keeping: target) else { continue }
                pendingCut = plan.compaction
                // It begins as the requests before it did, so that a provider has it in its prompt cache.
                let messages = history.context(through: plan.compaction.dropped) + [.user(instructions)]
                let request = ModelRequest(
                    instructions: definition.instructions, messages: messages, tools: definition.tools,
                    allowsToolCalls: false)
                return .summarise(request, by: model)
            }
        }
        if plan.hasChanged { entries.append(try record(.compaction(plan.compaction))) }
        return nil
    }

    /// - Parameter reply: The summary; nil when the model will not write one.
    mutating func takeSummary(_ reply: ModelReply?) throws(LoopError) -> [Effect] {
        guard var cut = pendingCut else {
            throw LoopError(code: .unexpectedEvent, detail: "no summary is under way")
        }
        pendingCut = nil
        if let reply {
            cut.modelAnswered = !reply.isFromCache
            cut.usage = priced(reply.usage)
            // Where it says nothing, the summary before is better than none.
            if reply.text.contains(where: { !$0.isWhitespace }) { cut.summary = reply.text }
        }
        return try askModel(recording: [record(.compaction(cut))])
    }

    /// What a model call consumed, with what it cost.
    func priced(_ usage: TokenUsage?) -> TokenUsage? {
        guard var usage, let price = definition.price else { return usage }
        usage.cost = price.cost(of: usage)
        return usage
    }
}

extension AgentLoop.Definition {
    /// What every request begins with.
    fileprivate var estimatedTokens: Int {
        tools.reduce(TokenEstimate.of(instructions)) { sum, tool in
            sum + TokenEstimate.of(tool.name, tool.description, tool.parameters.description)
        }
    }
}
