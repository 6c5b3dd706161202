// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What of a long conversation the model is sent.
///
/// Providers keep what a request begins with, and charge little for it when the next request begins the same. Each cut
/// spends that once. So a policy has two numbers, a limit and what it keeps: it cuts seldom, and then much. A cut is an
/// entry of the log, made before a model call; the log itself and ``History/messages`` keep everything.
///
/// ```swift
/// agent.context = [.droppingToolResults(beyond: 40_000), .summarising(beyond: 100_000, keeping: 30_000)]
/// ```
///
/// Tokens are those that the provider has counted for the last request and its reply, and for what came after them an
/// estimate of four bytes of UTF-8 each (OpenAI's "rule of thumb": https://help.openai.com/en/articles/4936856). The limit
/// is where a cut is made and no bound: what the model has not seen yet is always sent. Leave room for it.
public struct ContextPolicy: Sendable, ExpressibleByArrayLiteral {
    /// What a window counts.
    enum Unit: Sendable { case tokens, messages, turns }

    /// One way to shorten.
    enum Rule: Sendable {
        case window(Unit, limit: Int, keeping: Int)
        case toolResults(limit: Int, keeping: Int, freeing: Int)
        case summary(limit: Int, keeping: Int, model: (any LanguageModel)?, instructions: String)
    }

    let rules: [Rule]

    /// Everything, always.
    public static let everything: ContextPolicy = []

    /// The newest part of the conversation.
    ///
    /// What is left out begins with the oldest turn. Of the newest turn, the oldest tool calls with their results are
    /// left out where nothing else is left, and what the user said in it stays.
    /// - Parameters:
    ///   - limit: The number of tokens, instructions and tools included, above which a cut is made.
    ///   - target: What the cut leaves, where that can be. Less than `limit`: half of it is a good choice.
    public static func window(tokens limit: Int, keeping target: Int) -> ContextPolicy {
        ContextPolicy([.window(.tokens, limit: limit, keeping: target)])
    }

    /// The newest messages, counted: what the user said, what the model said, and each result of a tool is one.
    /// - Parameters:
    ///   - limit: The number of messages above which a cut is made.
    ///   - target: What the cut leaves, where that can be. Less than `limit`.
    public static func window(messages limit: Int, keeping target: Int) -> ContextPolicy {
        ContextPolicy([.window(.messages, limit: limit, keeping: target)])
    }

    /// The newest turns, whole.
    /// - Parameters:
    ///   - limit: The number of turns, the newest included, above which a cut is made.
    ///   - target: What the cut leaves. Less than `limit`, and at least 1.
    public static func window(turns limit: Int, keeping target: Int) -> ContextPolicy {
        ContextPolicy([.window(.turns, limit: limit, keeping: target)])
    }

    /// Everything but what tools returned long ago: a note stands in its place, and the calls stay. Results of up to 100
    /// bytes stay as well.
    /// - Parameters:
    ///   - limit: The number of tokens, instructions and tools included, above which results are left out.
    ///   - count: How many of the newest results stay. Those that the model has not seen yet stay in any case.
    ///   - freed: The number of tokens that have to be freed, or nothing is left out; by default a fifth of `limit`.
    public static func droppingToolResults(
        beyond limit: Int, keepingNewest count: Int = 3, freeing freed: Int? = nil
    ) -> ContextPolicy {
        ContextPolicy([.toolResults(limit: limit, keeping: count, freeing: freed ?? limit / 5)])
    }

    /// As with ``window(tokens:keeping:)``, with a summary in place of what is left out, which a model writes.
    ///
    /// It is a model call of its own, before the one that it shortens: paid for, counted by ``Budget``, and after a crash
    /// made again only if its answer was not stored. Its request begins with the conversation as it was sent before, so
    /// that the agent's own model finds that in its prompt cache. The next summary is written from the one before. Where the
    /// model will not write one, the conversation is cut without it; where it cannot be reached, the turn fails as with any
    /// other model call, and goes on from here when its request is repeated.
    /// - Parameters:
    ///   - limit: The number of tokens, instructions and tools included, above which a cut is made.
    ///   - target: What the cut leaves, the summary not counted. Less than `limit`: a third of it is a good choice.
    ///   - model: Who writes; nil for the agent's model. Its tokens are counted at the agent's ``TokenPrice``.
    ///   - instructions: What it is told to do, as a message of the user's behind what it has to summarise.
    public static func summarising(
        beyond limit: Int, keeping target: Int, with model: (any LanguageModel)? = nil,
        instructions: String = standardInstructions
    ) -> ContextPolicy {
        ContextPolicy([.summary(limit: limit, keeping: target, model: model, instructions: instructions)])
    }

    /// What a model is told that is to summarise.
    public static let standardInstructions = """
        Write a summary of this conversation so far. It will stand in place of the messages above, and you will go on \
        with it alone. Keep what the user wants and has decided, names, numbers, dates and identifiers exactly as they \
        are, what tools did and what came of it, and what is still open. Leave out what is settled and will not matter \
        again. Answer with the summary only, and go on with nothing.
        """

    init(_ rules: [Rule]) { self.rules = rules }

    /// Several policies. They are asked in their order before each model call, each with what those before it leave; those
    /// behind a summary are asked again before the next call.
    public init(arrayLiteral policies: ContextPolicy...) { rules = policies.flatMap(\.rules) }

    /// What is wrong with it; nil when it can be used: each limit is above what is kept, and both are positive.
    public var problem: String? {
        let limits = rules.map { rule in
            switch rule {
            case .window(_, let limit, let target), .summary(let limit, let target, _, _): 0 < target && target < limit
            case .toolResults(let limit, let count, let freed): limit > 0 && count >= 0 && freed >= 0
            }
        }
        return limits.allSatisfy(\.self) ? nil : "a context policy needs a limit that is above what is kept"
    }

    /// The models that the policy asks, besides the agent's.
    public var models: [any LanguageModel] {
        rules.compactMap { if case .summary(_, _, let model, _) = $0 { model } else { nil } }
    }
}
