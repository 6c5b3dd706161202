// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Logging
import SessionStore

/// A model that is not asked when it has answered the same request before.
struct CachingModel: LanguageModel {
    private let model: any LanguageModel
    private let replies: CachedReplies
    /// The model's.
    let identity: String?

    /// Throws ``AgentError/Code/invalidConfiguration`` when the model has no identity, or the cache no time to live.
    init(
        _ model: any LanguageModel, _ cache: ResponseCache, of agent: AgentName, in store: SessionStore, logger: Logger
    ) throws(AgentError) {
        guard let identity = model.identity else {
            throw AgentError(
                .invalidConfiguration,
                "the response cache needs a model that says which one it is: see LanguageModel.identity")
        }
        guard cache.timeToLive >= .milliseconds(1), cache.capacity > 0 else {
            throw AgentError(.invalidConfiguration, "the response cache needs a time to live and a capacity")
        }
        self.model = model
        self.identity = identity
        replies = CachedReplies(cache, of: agent, in: store, logger: logger)
    }

    func checkConfiguration() throws { try model.checkConfiguration() }

    /// Gives the reply of before, with a usage of nothing, or asks.
    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        let key = SHA256.hexDigest(of: request.canonical(for: identity ?? ""))
        if var reply = await replies.reply(to: key) {
            reply.usage = TokenUsage()
            reply.isFromCache = true
            if !reply.text.isEmpty { onText(reply.text) }
            return reply
        }
        let reply = try await model.reply(to: request, onText: onText)
        // One that was cut off, refused for its content, or says nothing, may come out otherwise the next time.
        if Self.completeReasons.contains(reply.finishReason), !reply.text.isEmpty || !reply.toolCalls.isEmpty {
            await replies.keep(reply, to: key)
        }
        return reply
    }

    /// The words of OpenAI and of Anthropic for a reply that ended by itself.
    private static let completeReasons: Set = [
        "stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence",
    ]
}

extension ModelRequest {
    /// All that a model's reply depends on, as one text that no other request has.
    func canonical(for identity: String) -> String {
        let messages = messages.map { message -> JSONValue in
            switch message {
            case .user(let text): ["user": .init(text)]
            case .assistant(let reply):
                ["assistant": .init(reply.text), "calls": .array(reply.toolCalls.map(\.canonical))]
            case .tool(let call, let content): ["tool": call.canonical, "content": .init(content)]
            }
        }
        let tools = tools.map { tool -> JSONValue in
            ["name": .init(tool.name), "description": .init(tool.description), "parameters": tool.parameters]
        }
        let request: JSONValue = [
            "model": .init(identity), "instructions": .init(instructions), "messages": .array(messages),
            "tools": .array(tools), "allowsToolCalls": .bool(allowsToolCalls),
        ]
        return request.description
    }
}

extension ToolCall {
    fileprivate var canonical: JSONValue {
        ["id": .init(id), "name": .init(name), "arguments": .init(arguments)]
    }
}

/// The file of replies, leased for one look at a time, on a thread of its own. What fails here is logged, and fails nothing.
private actor CachedReplies {
    private let cache: ResponseCache
    private let agent: AgentName
    private let store: SessionStore
    private let logger: Logger
    private let thread = StorageThread()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ cache: ResponseCache, of agent: AgentName, in store: SessionStore, logger: Logger) {
        self.cache = cache
        self.agent = agent
        self.store = store
        self.logger = logger
    }

    func reply(to key: String) -> ModelReply? {
        withLease { session in try session.cachedReply(to: key, timeToLive: cache.timeToLive) } ?? nil
    }

    func keep(_ reply: ModelReply, to key: String) {
        withLease { session in
            try session.cache(reply, to: key, timeToLive: cache.timeToLive, capacity: cache.capacity)
        }
    }

    @discardableResult
    private func withLease<Result>(_ body: (inout LeasedSession) throws -> Result) -> Result? {
        do {
            var session = try store.lease(.responseCache, of: agent, attempt: "cache", until: .now)
            let result: Result
            do {
                result = try body(&session)
            } catch {
                try? session.release()
                throw error
            }
            try session.release()
            return result
        } catch let error as SessionStoreError where error.isRetryable {
            logger.debug("the response cache is busy")
        } catch {
            logger.warning("the response cache cannot be used", metadata: ["error": "\(error)"])
        }
        return nil
    }
}
