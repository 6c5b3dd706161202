// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore

extension AgentRequest {
    /// Whether it may begin a session: decisions are about what a session waits for.
    var isMessage: Bool { if case .message = content { true } else { false } }

    /// What the loop is told of it.
    var event: Event {
        switch content {
        case .message(let text): .input(request: id, text: text)
        case .decisions(let verdicts): .verdicts(request: id, verdicts)
        }
    }

    /// Whether the log holds this request as it is: an id that comes again with other contents is another request.
    func isRepeated(in entries: [Entry]) -> Bool {
        var decided: [Verdict] = []
        for entry in entries {
            switch entry.fact {
            case .input(id, let text): return content == .message(text)
            case .decision(id, let verdict): decided.append(verdict)
            default: continue
            }
        }
        return content == .decisions(decided)
    }
}
