// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// How many tokens a text is, roughly: one for each four bytes of UTF-8, and three for what frames a message
/// (`tokens_per_message` in OpenAI's cookbook). Where a provider has counted, the count is taken, and scales what is
/// estimated beside it.
enum TokenEstimate {
    private static let frame = 3

    static func of(_ texts: String...) -> Int { frame + (texts.reduce(0) { $0 + $1.utf8.count } + 3) / 4 }

    static func of(_ message: Message) -> Int {
        switch message {
        case .user(let text): of(text)
        case .assistant(let reply):
            reply.toolCalls.reduce(of(reply.text)) { $0 + of($1.id, $1.name, $1.arguments) }
        case .tool(let call, let content): of(call.id, content)
        }
    }
}
