// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// A function that lives on in a session: what it does in steps is done once, and its waits last for days.
///
/// ```
/// Workflow(name: "research") { (topic: Topic, session) in
///     let sources = try await session.step("fetch") { try await fetch(topic) }
///     try await session.waitForSignal("approved", as: Bool.self)
///     return try await session.step("report") { try await report(sources) }
/// }
/// ```
///
/// It runs from its beginning in each invocation that it takes part in, and steps that ended give back what they came to.
/// So it must do the same each time: whatever may differ from run to run, such as the clock, random numbers, files and
/// services, belongs into a step.
///
/// Underneath it is an Agent whose model is this function: one input is one turn, and everything that holds for turns
/// holds for it. A function that throws ends its turn as AgentCore/Outcome/failed(reason:), and the session takes the next
/// input. An input that comes while another one is worked on is refused with AgentError/Code/workflowRunning.
public struct Workflow: Sendable {
    /// What AgentHandler and AgentRuntime run. Its turns count two model calls each, for which nobody pays.
    public let agent: Agent

    /// Creates a workflow.
    /// - Parameters:
    ///   - name: The folder of its sessions: 1 to 64 letters, digits, `-` and `_`.
    ///   - body: The function. Its input is the event's `"input"`, and what it returns is the reply: a `String` as it is,
    ///     everything else as JSON.
    public init<Input: Decodable & SendableMetatype, Output: Encodable & SendableMetatype>(
        name: String,
        _ body: @escaping @Sendable (_ input: Input, _ session: WorkflowSession) async throws -> Output
    ) {
        var agent = Agent(name: name, instructions: "", model: WorkflowModel()) { WorkflowTool(body) }
        agent.joinsMessages = false
        self.agent = agent
    }
}
