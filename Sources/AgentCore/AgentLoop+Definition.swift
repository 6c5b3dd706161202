// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

extension AgentLoop {
    /// What stays the same over all turns of a session.
    public struct Definition: Sendable {
        /// The random identity that the session was created with; idempotency keys derive from it.
        public var sessionIdentity: String
        /// The system prompt.
        public var instructions: String
        /// The tools, in the order in which the model is told of them.
        public var tools: [ToolSpecification]
        /// How many times the model may be asked for one input, at least 1. The last time it may not call tools, so
        /// that it has to answer.
        public var maximumModelCalls: Int
        /// What one turn may spend.
        public var turnBudget = Budget.unlimited
        /// What the session may spend.
        public var sessionBudget = Budget.unlimited
        /// What the model's tokens cost; nil when nobody counts.
        public var price: TokenPrice?
        /// How often a turn may be interrupted, at least 1, before it is parked: something in it may be what kills.
        public var maximumInterruptions = 5
        /// How many tools may run at the same time, at least 1. A further call starts when one of them has ended.
        public var maximumParallelTools = Int.max
        /// What of the conversation the model is sent.
        public var context = ContextPolicy.everything
        /// When the session was created, in milliseconds since 1970; its age is counted from there.
        public var created: Int64 = 0

        /// Creates a definition.
        public init(
            sessionIdentity: String,
            instructions: String,
            tools: [ToolSpecification] = [],
            maximumModelCalls: Int = 16
        ) {
            self.sessionIdentity = sessionIdentity
            self.instructions = instructions
            self.tools = tools
            self.maximumModelCalls = max(1, maximumModelCalls)
        }

        /// The same for each attempt of a call, and for no other call: 32 hexadecimal digits.
        package func idempotencyKey(of position: CallPosition) -> String {
            String(SHA256.hexDigest(of: "\(sessionIdentity)/\(position)").prefix(32))
        }
    }
}
