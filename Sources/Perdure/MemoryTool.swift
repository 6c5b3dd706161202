// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
public import JSONCore

/// A memory that outlives the conversation: texts at paths below `/memories`, which the model views and changes with the
/// commands of Anthropic's client-side memory tool, answered with the texts of its documentation.
///
/// ```swift
/// Agent(name: "support", instructions: "You help.") {
///     MemoryTool()
///     SearchMemory()
/// }
/// ```
///
/// A change takes effect once, also when its call is run again after a crash: it is written in one commit with a record of
/// the call. In the session's own memory that is a step in its log, one sync; a view is no commit of its own. In the memory
/// that sessions share each command is one commit under a lease of that file, which a busy one makes it wait for.
public struct MemoryTool: Tool {
    /// The command and what it needs, with the names of Anthropic's schema.
    public struct Arguments: Codable {
        let command: String
        let path: String?
        let viewRange: [Int]?
        let fileText: String?
        let oldString: String?
        let newString: String?
        let insertLine: Int?
        let insertText: String?
        let oldPath: String?
        let newPath: String?

        enum CodingKeys: String, CodingKey {
            case command, path
            case viewRange = "view_range"
            case fileText = "file_text"
            case oldString = "old_str"
            case newString = "new_str"
            case insertLine = "insert_line"
            case insertText = "insert_text"
            case oldPath = "old_path"
            case newPath = "new_path"
        }
    }

    /// The name the model calls it by.
    public let name: String
    /// For the model: what it is for, and when to use it.
    public let description = """
        A memory directory at /memories that outlives this conversation. View it before you begin with a task, to see \
        what was learned or done before, and record in it what is worth knowing later: your context may be cut off at \
        any time, and what is not in it is lost then. Keep its files few, up to date and organised.
        Commands: view (a directory, two levels deep, or a file with its line numbers; view_range takes [first, last], \
        -1 for the end), create (a new file: path, file_text), str_replace (old_str, which has to occur once, by new_str), \
        insert (insert_text behind line insert_line, 0 for the beginning), delete (a file or a directory), rename \
        (old_path to new_path).
        """
    private let scope: MemoryScope

    /// Creates the tool.
    /// - Parameters:
    ///   - scope: Whose memory it is.
    ///   - name: Another one than Anthropic's, for an agent that has both memories.
    public init(_ scope: MemoryScope = .session, name: String = "memory") {
        self.scope = scope
        self.name = name
    }

    /// A change that runs again finds that it was made.
    public var effect: ToolEffect { .idempotent }

    /// A shared file that could not be written is tried again: whether it was written after all is known then.
    public var retries: RetryPolicy { scope == .session ? .never : .exponential() }

    /// The parameters of Anthropic's tool.
    public func parameters() -> JSONValue {
        let text: (String) -> JSONValue = { ["type": "string", "description": .init($0)] }
        let integer: JSONValue = ["type": "integer"]
        return [
            "type": "object",
            "properties": [
                "command": [
                    "type": "string", "enum": ["view", "create", "str_replace", "insert", "delete", "rename"],
                ],
                "path": text("A file or directory, such as /memories/notes.txt. For all commands but rename."),
                "view_range": [
                    "type": "array", "items": integer, "minItems": 2, "maxItems": 2,
                    "description": "For view: the first and the last line.",
                ],
                "file_text": text("For create: the content of the file."),
                "old_str": text("For str_replace: the text to be replaced, exactly as it is in the file."),
                "new_str": text("For str_replace: what takes its place."),
                "insert_line": [
                    "type": "integer",
                    "description": "For insert: the line behind which the text goes, 0 for the first.",
                ],
                "insert_text": text("For insert: the text."),
                "old_path": text("For rename: the path as it is."),
                "new_path": text("For rename: the path as it is to be."),
            ],
            "required": ["command"],
        ]
    }

    /// One after the other: a reply may create a text and view it.
    public var keepsOrder: Bool { true }

    /// Runs a command. What is wrong with it is the answer, as the model is to read it.
    public func call(arguments: Arguments, context: ToolContext) async throws -> String {
        // With the command: a session that was restored from a backup gives the keys of what it has lost to other calls.
        let key = try context.idempotencyKey(forStep: JSONValueEncoder().encode(arguments).description)
        do {
            return try await context.perform(MemoryCommand(arguments), on: scope, key: key)
        } catch let refusal as MemoryRefusal {
            return refusal.description
        }
    }
}
