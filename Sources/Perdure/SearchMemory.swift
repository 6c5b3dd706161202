// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import SessionStore

/// Searches a memory by words: which files have them, and the words around them.
public struct SearchMemory: Tool {
    /// What is looked for.
    public struct Arguments: Codable {
        let query: String
    }

    /// For the model: what it is for.
    public let description = """
        Finds files in the memory directory /memories by words in their text or path. All words have to be there, or the \
        beginnings of words; if no file has all, those with any of them are listed.
        """
    /// The name the model calls it by.
    public let name: String
    private let scope: MemoryScope
    private let limit: Int
    /// The longest excerpt that is shown, in characters: a word may be as long as the text.
    private static let maximumExcerpt = 1000

    /// Creates the tool.
    /// - Parameters:
    ///   - scope: Whose memory is searched.
    ///   - limit: How many files are listed at most, the best matches first.
    ///   - name: Another one, for an agent that has both memories.
    public init(_ scope: MemoryScope = .session, limit: Int = 10, name: String = "search_memory") {
        self.scope = scope
        self.name = name
        self.limit = limit
    }

    /// It only reads.
    public var effect: ToolEffect { .pure }

    /// Behind the commands of ``MemoryTool`` that stand before it in a reply.
    public var keepsOrder: Bool { true }

    /// Searches.
    public func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let matches: [MemoryMatch]
        do {
            matches = try await context.searchMemory(arguments.query, limit: limit, in: scope)
        } catch let refusal as MemoryRefusal {
            return refusal.description
        }
        guard !matches.isEmpty else { return "No file in /memories matches." }
        return matches.map { "/memories/\($0.path)\n\($0.excerpt.prefix(Self.maximumExcerpt))" }.joined(
            separator: "\n\n")
    }
}
