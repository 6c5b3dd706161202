// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What of the conversation the requests to the model leave out, from an entry of the log on.
///
/// It says everything by itself: the newest one counts, and what it was decided by does not matter any more. The
/// messages that it counts are those of ``History/messages``, which keeps all of them.
public struct Compaction: Sendable, Hashable {
    /// How many messages at the beginning are left out.
    public var dropped: Int
    /// The indices of those among them that stay, ascending: what the user said in a turn that is cut in its middle.
    public var kept: [Int]
    /// The results of tools before this message are replaced by a note.
    public var clearedResults: Int
    /// What stands in place of what is left out; nil for a note.
    public var summary: String?
    /// What the model call consumed that wrote the summary; nil when there was none or the provider did not say.
    public var usage: TokenUsage?
    /// Whether a model answered that was asked for a summary, which is paid for whatever it said.
    public var modelAnswered: Bool

    /// Creates a compaction.
    public init(
        dropped: Int = 0, kept: [Int] = [], clearedResults: Int = 0, summary: String? = nil,
        modelAnswered: Bool = false, usage: TokenUsage? = nil
    ) {
        self.dropped = dropped
        self.kept = kept
        self.clearedResults = clearedResults
        self.summary = summary
        self.modelAnswered = modelAnswered
        self.usage = usage
    }
}

extension Compaction {
    /// Results that are not longer than this, in bytes of UTF-8, stay: the note in their place would be no shorter.
    static let shortResult = 100
    static let noteOfResult = "(This result is left out, to shorten the conversation.)"

    /// What the user's first message in a request begins with.
    var note: String? {
        guard dropped > 0 else { return nil }
        guard let summary else { return "(Earlier messages of this conversation are left out.)" }
        return "(Earlier messages of this conversation are left out. A summary of them:)\n\n\(summary)\n\n"
            + "(End of the summary.)"
    }

    func clears(_ content: String, at index: Int) -> Bool {
        index < clearedResults && content.utf8.count > Self.shortResult
    }

    /// What a request holds of the conversation.
    ///
    /// The note and what the user said next are one message, as some models refuse two of the same side in a row.
    func applied(to messages: some RandomAccessCollection<Message>) -> [Message] {
        let messages = Array(messages)
        var opening: [String] = note.map { [$0] } ?? []
        for index in kept where messages.indices.contains(index) {
            if case .user(let text) = messages[index] { opening.append(text) }
        }
        var next = min(dropped, messages.count)
        if !opening.isEmpty, next < messages.count, case .user(let text) = messages[next] {
            opening.append(text)
            next += 1
        }
        var result: [Message] = opening.isEmpty ? [] : [.user(opening.joined(separator: "\n\n"))]
        for index in next..<messages.count {
            if case .tool(let call, let content) = messages[index], clears(content, at: index) {
                result.append(.tool(call: call, content: Self.noteOfResult))
            } else {
                result.append(messages[index])
            }
        }
        return result
    }
}
