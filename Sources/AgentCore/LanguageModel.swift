// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What a model call consumed, in tokens as the provider counts them.
public struct TokenUsage: Sendable, Hashable {
    /// Tokens of the request.
    public var input: Int
    /// Tokens of the reply.
    public var output: Int
    /// Those of ``input`` that came from the provider's prompt cache.
    public var cachedInput: Int
    /// What it cost, in millionths of the currency of the agent's ``TokenPrice``; nil when there is none. Noted when the
    /// reply is recorded, so that a later price changes nothing of what was spent.
    public var cost: Int?

    /// Creates a usage record.
    public init(input: Int = 0, output: Int = 0, cachedInput: Int = 0, cost: Int? = nil) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cost = cost
    }
}

/// One answer of a language model.
public struct ModelReply: Sendable, Hashable {
    /// The text, empty when the model only calls tools.
    public var text: String
    /// The tools it wants to be called, in its order.
    public var toolCalls: [ToolCall]
    /// The provider's word for why it stopped: `stop`, `tool_calls`, `length`, ….
    public var finishReason: String
    /// What the call consumed; nil when the provider did not say.
    public var usage: TokenUsage?
    /// Whether it was given before, to the same request, and the model was not asked. No budget counts it.
    public var isFromCache: Bool

    /// Creates a reply.
    public init(
        text: String, toolCalls: [ToolCall] = [], finishReason: String = "stop", usage: TokenUsage? = nil,
        isFromCache: Bool = false
    ) {
        self.text = text
        self.toolCalls = toolCalls
        self.finishReason = finishReason
        self.usage = usage
        self.isFromCache = isFromCache
    }
}

/// One message of the conversation as a model is to see it.
public enum Message: Sendable, Hashable {
    /// What the user said.
    case user(String)
    /// What the model said before.
    case assistant(ModelReply)
    /// The result of a tool call.
    /// - Parameter call: The call as the model asked for it.
    case tool(call: ToolCall, content: String)
}

/// Everything that a model is asked with: a pure function of the log and the agent's definition.
public struct ModelRequest: Sendable {
    /// The agent's instructions (the system prompt).
    public var instructions: String
    /// The conversation so far.
    public var messages: [Message]
    /// The tools there are.
    public var tools: [ToolSpecification]
    /// Whether it may call them. The tools are named even if not: the beginning of the request stays the same, and
    /// with it the provider's prompt cache.
    public var allowsToolCalls: Bool

    /// Creates a request.
    public init(
        instructions: String,
        messages: [Message],
        tools: [ToolSpecification] = [],
        allowsToolCalls: Bool = true
    ) {
        self.instructions = instructions
        self.messages = messages
        self.tools = tools
        self.allowsToolCalls = allowsToolCalls
    }
}

/// A language model that can continue a conversation.
public protocol LanguageModel: Sendable {
    /// Everything besides the request that replies depend on: the provider, the model's name, its settings. Two models with the
    /// same identity may answer for each other from a response cache. Default: nil, which no cache takes.
    var identity: String? { get }

    /// Throws when the settings cannot work, so that it shows at the start and not in the first turn.
    ///
    /// Default: nothing is checked. It must not do input or output.
    func checkConfiguration() throws

    /// Asks the model once.
    ///
    /// An implementation may retry by itself what the provider calls retryable, and stops when the task is cancelled.
    /// - Parameters:
    ///   - request: The conversation.
    ///   - onText: Receives the pieces of the text as they arrive, in order.
    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply
}

extension LanguageModel {
    /// Unknown.
    public var identity: String? { nil }

    /// Nothing is checked.
    public func checkConfiguration() throws {}
}
