// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// What a second run of a tool would do, and therefore how the loop recovers a call that a crash interrupted.
public enum ToolEffect: String, Sendable, Hashable, CaseIterable {
    /// The tool only reads. Nothing is written before it starts, and an interrupted call is run again.
    case pure
    /// Running twice with one idempotency key is the same as running once. An interrupted call is run again with the
    /// same key.
    case idempotent
    /// Every run counts (a refund, an e-mail). An interrupted call is never run again by itself: its outcome is
    /// reported to the model as unknown.
    case once
}

/// Whether a person has to agree before a tool call runs.
public enum ApprovalRequirement: Sendable, Hashable {
    /// The call runs at once.
    case notRequired
    /// The turn ends as ``Outcome/awaiting(_:)`` until the call is approved or rejected.
    /// - Parameters:
    ///   - reason: Shown to the person who decides.
    ///   - within: The time there is to decide, after which the call counts as rejected; nil for ever.
    case required(reason: String, within: Duration? = nil)
}

/// What the model and the loop know of a tool.
public struct ToolSpecification: Sendable {
    /// The name the model calls it by: letters, digits, `_` and `-`, 64 at most (the limit of OpenAI's API).
    public var name: String
    /// What the tool does, for the model.
    public var description: String
    /// The JSON Schema of the arguments.
    public var parameters: JSONValue
    /// How a crash in the middle of a call is recovered.
    public var effect: ToolEffect
    /// Whether its calls in one reply run one after the other, in the reply's order, with those of all tools of which this
    /// is true. Other calls of one reply run side by side.
    public var keepsOrder = false
    /// Checks the arguments of a call before anything is recorded or run.
    ///
    /// Throws when the arguments do not fit the tool; the model is told so and the tool does not run. It must be a
    /// function of the arguments alone: that a person is to decide is recorded when the model calls, and the arguments are
    /// checked once more when an approved or interrupted call runs.
    public var review: @Sendable (JSONValue) throws -> ApprovalRequirement

    /// Creates a specification.
    public init(
        name: String,
        description: String,
        parameters: JSONValue,
        effect: ToolEffect = .once,
        review: @escaping @Sendable (JSONValue) throws -> ApprovalRequirement = { _ in .notRequired }
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.effect = effect
        self.review = review
    }
}
