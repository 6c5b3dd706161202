// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
public import ModelClients

/// An agent: a name, instructions, a model and tools. A value; what it remembers is in its sessions.
public struct Agent: Sendable {
    /// The name, which is also the folder of its sessions: 1 to 64 letters, digits, `-` and `_`.
    public var name: String
    /// The system prompt.
    public var instructions: String
    /// The model that it thinks with.
    public var model: any LanguageModel
    /// What it can do.
    public var tools: [any Tool]
    /// How often the model may be asked for one input, at least 1; the last time it has to answer in text.
    public var maximumModelCalls: Int
    /// Who sees what it does; nobody unless ``observed(by:)`` says so.
    public var observer: (any AgentObserver)?
    /// Whether replies are given again; nil asks the model each time.
    public var responseCache: ResponseCache?
    /// How many tools may run at the same time, at least 1. A further call of one reply starts when another has ended.
    public var maximumParallelTools = 16
    /// What one turn may spend. A turn that reaches it is parked: ``AgentCore/Outcome/parked(reason:)``.
    public var turnBudget = Budget.unlimited
    /// What a session may spend in its whole life.
    public var sessionBudget = Budget.unlimited
    /// What of a long conversation the model is sent; by default everything. <doc:Context> tells what that costs.
    public var context = ContextPolicy.everything
    /// What the model's tokens cost, for the budgets' `cost` and for `perdure usage`.
    public var price: TokenPrice?
    /// How often a turn may be interrupted (by a crash, or a time-out of Lambda), at least 1, before it is parked. As often
    /// in a row the function invokes itself for a turn whose step did not fit into an invocation.
    public var maximumInterruptions = 5
    /// Whether a message that comes while a turn waits or was interrupted joins that turn; otherwise it is refused.
    var joinsMessages = true

    /// What becomes of a message for a session that another invocation holds.
    public var whenBusy = BusyPolicy.wait

    /// Creates an agent.
    ///
    /// Nothing is checked or opened here: what is wrong with it shows when the function starts, as an init error.
    /// - Parameter model: By default the OpenAI-compatible endpoint that the environment names; see
    ///   ``ModelClients/OpenAICompatibleModel/fromEnvironment()``.
    public init(
        name: String,
        instructions: String,
        model: some LanguageModel = OpenAICompatibleModel.fromEnvironment(),
        maximumModelCalls: Int = 16,
        responseCache: ResponseCache? = nil,
        @ToolBuilder tools: () -> [any Tool] = { [] }
    ) {
        self.name = name
        self.instructions = instructions
        self.model = model
        self.maximumModelCalls = maximumModelCalls
        self.responseCache = responseCache
        self.tools = tools()
    }
}
