// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What a request is to leave out, worked out one rule after the other.
struct CutPlan {
    private let history: History
    /// Tokens that every request begins with, estimated.
    private let fixed: Int
    /// Counted tokens for each estimated one.
    private var scale = 1.0
    /// What is left out so far.
    private(set) var compaction: Compaction
    /// Whether that is more than before.
    private(set) var hasChanged = false

    private var messages: [Message] { history.messages }

    init(_ history: History, fixed: Int) {
        self.history = history
        self.fixed = fixed
        compaction = history.compaction ?? Compaction()
        compaction.modelAnswered = false
        compaction.usage = nil
        guard let measure = history.measure else { return }
        let estimate = size(.tokens)
        let later = messages.dropFirst(measure.messages).reduce(0) { $0 + TokenEstimate.of($1) }
        scale = (Double(measure.tokens) + Double(later)) / estimate
    }

    // MARK: - What is there

    /// How much of the request a message is.
    private func weight(_ index: Int, _ unit: ContextPolicy.Unit) -> Double {
        switch unit {
        case .messages: 1
        case .turns: messages[index].isUsers && (index == 0 || !messages[index - 1].isUsers) ? 1 : 0
        case .tokens:
            if case .tool(let call, let content) = messages[index], compaction.clears(content, at: index) {
                scale * Double(TokenEstimate.of(call.id, Compaction.noteOfResult))
            } else {
                scale * Double(TokenEstimate.of(messages[index]))
            }
        }
    }

    private func size(_ unit: ContextPolicy.Unit) -> Double {
        var size = 0.0
        if unit == .tokens { size = scale * Double(fixed + (compaction.note.map { TokenEstimate.of($0) } ?? 0)) }
        for index in compaction.kept { size += weight(index, unit) }
        for index in compaction.dropped..<messages.count { size += weight(index, unit) }
        return size
    }

    /// Whether what comes before a message may be left out: the turns before it, or, in the newest turn, the calls that
    /// the model made there and has seen the results of. So no call is without its results, and the user speaks first.
    private func isPlace(_ index: Int, start: Int) -> Bool {
        switch messages[index] {
        case .user: index <= start && (index == 0 || !messages[index - 1].isUsers)
        case .assistant: index > start
        case .tool: false
        }
    }

    // MARK: - What is left out

    /// Leaves out the beginning; returns whether it does.
    @discardableResult
    mutating func drop(_ unit: ContextPolicy.Unit, beyond limit: Int, keeping target: Int) -> Bool {
        let total = size(unit)
        guard total > Double(limit) else { return false }
        let start = history.start
        var left = total
        for index in compaction.kept where index < start { left -= weight(index, unit) }
        var best: (place: Int, left: Double)?
        for index in compaction.dropped..<messages.count {
            // Of places that leave as much the first: it is the one where the user speaks.
            if index > compaction.dropped, isPlace(index, start: start), left < best?.left ?? .infinity {
                best = (index, left)
                if left <= Double(target) { break }
            }
            if index < start || !messages[index].isUsers { left -= weight(index, unit) }
        }
        // Where the newest part alone is too long, not every step is to be a cut that frees next to nothing.
        guard let best, total - best.left >= max(1, (Double(limit) - Double(target)) / 4) else { return false }
        compaction.dropped = best.place
        compaction.kept = (min(start, best.place)..<best.place).filter { messages[$0].isUsers }
        hasChanged = true
        return true
    }

    /// Leaves out what tools returned before the newest results.
    mutating func clearResults(beyond limit: Int, keepingNewest count: Int, freeing freed: Int) {
        guard size(.tokens) > Double(limit), let newest = messages.lastIndex(where: \.isAssistants) else { return }
        let results = (compaction.dropped..<messages.count).filter { messages[$0].isResult }
        let seen = results.prefix(results.count - max(0, min(count, results.count))).filter { $0 < newest }
        guard let last = seen.last, last >= compaction.clearedResults else { return }
        let before = size(.tokens)
        let old = compaction.clearedResults
        compaction.clearedResults = last + 1
        if before - size(.tokens) >= max(1, Double(freed)) {
            hasChanged = true
        } else {
            compaction.clearedResults = old
        }
    }
}

extension Message {
    fileprivate var isAssistants: Bool { if case .assistant = self { true } else { false } }
    fileprivate var isResult: Bool { if case .tool = self { true } else { false } }
}
