// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

extension Chaos {
    /// Checks what a model is asked.
    mutating func check(_ request: ModelRequest) {
        #expect(request.messages == history.context)
        #expect(refusal(of: request) == nil)
        guard case .user = request.messages.first else {
            Issue.record("the model speaks first")
            return
        }
        // What the user said last, and all that came after it, as far as the model has not seen it.
        let users = history.messages.compactMap { if case .user(let text) = $0 { text } else { nil } }
        let sent = request.messages.compactMap { if case .user(let text) = $0 { text } else { nil } }
        #expect(sent.contains { $0.hasSuffix(users.last ?? "") })
        let unseen = history.messages.reversed().prefix { if case .tool = $0 { true } else { false } }
        #expect(request.messages.suffix(unseen.count) == unseen.reversed())
        // A later attempt asks the same.
        if let asked, asked.conversation == history.messages { #expect(asked.request == request.messages) }
        asked = (history.messages, request.messages)
    }

    static func anyContext(_ random: inout SeededGenerator) -> ContextPolicy {
        let rules = (0..<Int.random(in: 0...3, using: &random)).map { _ -> ContextPolicy in
            let target = Int.random(in: 1...80, using: &random)
            let limit = target + Int.random(in: 1...80, using: &random)
            return switch Int.random(in: 0..<5, using: &random) {
            case 0: .window(tokens: limit, keeping: target)
            case 1: .window(messages: 1 + limit / 16, keeping: 1 + target / 16)
            case 2: .window(turns: 1 + limit / 30, keeping: 1)
            case 3:
                .droppingToolResults(
                    beyond: limit, keepingNewest: Int.random(in: 0...4, using: &random),
                    freeing: Bool.random(using: &random) ? 1 : nil)
            default: .summarising(beyond: limit, keeping: target)
            }
        }
        return rules.reduce(ContextPolicy.everything) { [$0, $1] }
    }
}
