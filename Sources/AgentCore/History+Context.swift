// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension History {
    /// A compaction, and where it was made.
    struct Cut: Sendable, Hashable {
        let turn: Int
        /// How many messages there were.
        var messages: Int
        var compaction: Compaction
    }

    /// What a provider has counted.
    struct Measure: Sendable, Hashable {
        /// Of a request and its reply together.
        let tokens: Int
        /// How many messages those are, with the reply.
        let messages: Int
    }

    /// What the requests to the model leave out; nil when they hold everything.
    public var compaction: Compaction? { cuts.last?.compaction }

    /// The conversation as the next request to the model holds it: ``messages``, but for what the newest compaction
    /// leaves out.
    public var context: [Message] { context(through: messages.count) }

    /// The same of the first messages alone.
    func context(through end: Int) -> [Message] {
        guard let compaction else { return end == messages.count ? messages : Array(messages.prefix(end)) }
        return compaction.applied(to: messages.prefix(end))
    }

    /// Whether the request that comes next was decided on: a later attempt at it asks the same.
    var isCut: Bool { cuts.last?.messages == messages.count }

    /// Where the messages begin that the model has to answer to: those of the newest turn, and at least the user's newest.
    var start: Int {
        guard let newest = messages.lastIndex(where: \.isUsers) else { return messages.count }
        // A decision begins a turn, and answers none of the user's messages.
        var first = min(newest, turnStart)
        while first > 0, !messages[first].isUsers || messages[first - 1].isUsers { first -= 1 }
        return first
    }

    /// Whether a request may leave out this much, and no more than before comes back.
    private func permits(_ next: Compaction) -> Bool {
        guard (0...messages.count).contains(next.dropped), next.dropped >= compaction?.dropped ?? 0,
            (0...messages.count).contains(next.clearedResults),
            next.clearedResults >= compaction?.clearedResults ?? 0,
            let newest = messages.lastIndex(where: \.isUsers), newest >= next.dropped || next.kept.last == newest
        else { return false }
        if next.dropped < messages.count, case .tool = messages[next.dropped] { return false }
        return zip(next.kept, next.kept.dropFirst()).allSatisfy(<)
            && next.kept.allSatisfy { (0..<next.dropped).contains($0) && messages[$0].isUsers }
    }

    /// Adds a compaction; returns false when it cannot follow, and then nothing has changed.
    mutating func cut(_ next: Compaction, in turn: Int) -> Bool {
        guard permits(next) else { return false }
        cuts.append(Cut(turn: turn, messages: messages.count, compaction: next))
        measure = nil
        if next.modelAnswered {
            spent.add(next.usage)
            spentInTurn.add(next.usage)
        }
        return true
    }

    /// Takes note of what a provider counted for a reply that is about to join the conversation.
    mutating func measure(_ usage: TokenUsage?) {
        var sum = Spending()
        sum.add(usage)
        // Without a count, what an earlier one said still holds. Some servers say 0 for none.
        guard sum.input > 0 else { return }
        let (tokens, overflows) = sum.input.addingReportingOverflow(sum.output)
        measure = Measure(tokens: overflows ? .max : tokens, messages: messages.count + 1)
    }

    /// The conversation goes back to the end of a turn, and with it goes every cut that was made later.
    mutating func takeBackCuts(after turn: Int) {
        cuts.removeAll { $0.turn > turn }
        measure = nil
    }

    /// The newest turn is taken out of the conversation. What was cut before it stays cut, as summaries are paid for.
    mutating func keepCuts(through end: Int) {
        cuts.removeAll { $0.compaction.dropped > end }
        for index in cuts.indices {
            cuts[index].messages = min(cuts[index].messages, end)
            cuts[index].compaction.clearedResults = min(cuts[index].compaction.clearedResults, end)
        }
        measure = nil
    }
}

extension Message {
    var isUsers: Bool { if case .user = self { true } else { false } }
}
