// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A Lambda function that is a workflow: one function whose steps survive crashes, time-outs and the days between them.
///
/// ```swift
/// @main
/// struct Research: WorkflowFunction {
///     static let name = "research"
///     func run(_ topic: Topic, session: WorkflowSession) async throws -> Report { … }
/// }
/// ```
///
/// It answers `{"session":"…","id":"…","input":{…}}` as an agent answers messages; see Workflow for what holds.
public protocol WorkflowFunction: AgentFunction, Sendable {
    /// What it works on.
    associatedtype Input: Decodable, SendableMetatype
    /// What it comes to. A `String` is the reply as it is, everything else is the reply as JSON.
    associatedtype Output: Encodable, SendableMetatype

    /// The folder of its sessions: 1 to 64 letters, digits, `-` and `_`.
    static var name: String { get }
    /// Does it. Run from its beginning in each invocation of a turn: what may differ from run to run belongs into a step.
    ///
    /// What it throws ends the turn as AgentCore/Outcome/failed(reason:), with the error's description as the reason.
    func run(_ input: Input, session: WorkflowSession) async throws -> Output
}

extension WorkflowFunction {
    /// The function as an agent.
    public var agent: Agent {
        Workflow(name: Self.name) { input, session in try await run(input, session: session) }.agent
    }
}
