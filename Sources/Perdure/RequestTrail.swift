// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore

/// What the log tells of one request: its replies and the tools that ran, as a reader would have seen them.
struct RequestTrail {
    /// In their order.
    private(set) var progress: [TurnProgress] = []
    /// The number of replies.
    private(set) var steps = 0

    init(of request: String, in entries: [Entry]) {
        guard let start = entries.firstIndex(where: { $0.fact.request == request }) else { return }
        let turn = entries[start].turn
        var replies: [ModelReply] = []
        var ran: [CallPosition] = []
        for (index, entry) in entries.enumerated() {
            if case .reply(let reply) = entry.fact { replies.append(reply) }
            guard index > start, entry.turn == turn else { continue }
            switch entry.fact {
            case .reply(let reply):
                // Those of the step before; this reply has called nothing yet.
                show(ran, in: replies)
                ran = []
                steps += 1
                if !reply.text.isEmpty { progress.append(.text(reply.text, step: steps)) }
            case .claim(let position, _, _, attempt: 1):
                ran.append(position)
            case .result(let position, let result):
                guard result.status != .rejected, result.status != .skipped, !ran.contains(position) else { continue }
                ran.append(position)
            default:
                continue
            }
        }
        show(ran, in: replies)
    }

    /// - Parameter replies: All replies of the session, by which positions count.
    private mutating func show(_ ran: [CallPosition], in replies: [ModelReply]) {
        let names = ran.sorted { ($0.reply, $0.index) < ($1.reply, $1.index) }.compactMap { position -> String? in
            guard replies.indices.contains(position.reply - 1) else { return nil }
            let calls = replies[position.reply - 1].toolCalls
            return calls.indices.contains(position.index) ? calls[position.index].name : nil
        }
        if !names.isEmpty { progress.append(.tools(names: names, step: steps)) }
    }

    /// Whether a reader of this request can be there.
    func allows(_ cursor: EventCursor) -> Bool { cursor.step <= steps + 1 }
}

extension Entry.Fact {
    /// The request that brought it.
    fileprivate var request: String? {
        switch self {
        case .input(let request, _), .decision(let request, _), .signal(let request, _, _), .cancel(let request, _),
            .attempt(.released(let request)):
            request
        default: nil
        }
    }
}
