// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
public import JSONCore

/// Something that the model can have done.
///
/// ```swift
/// struct LookUpOrder: Tool {
///     struct Arguments: Codable { let number: Int }
///     let description = "Looks up an order by its number."
///     let effect = ToolEffect.pure
///     func call(arguments: Arguments, context: ToolContext) async throws -> Order { … }
/// }
/// ```
public protocol Tool<Arguments, Output>: Sendable {
    /// What the model fills in. Its JSON Schema is made from its `Codable` conformance.
    associatedtype Arguments: Decodable
    /// What the model is told. A `String` is passed on as it is, everything else as JSON.
    associatedtype Output: Encodable

    /// The name the model calls it by: 1 to 64 letters, digits, `_` and `-`. Default: the type's name in snake case.
    ///
    /// It is written into each session's log: calls that were interrupted are found again by it.
    var name: String { get }
    /// What the tool does and when to use it, for the model.
    var description: String { get }
    /// What a second run would do. Default: ``ToolEffect/once``, which never runs an interrupted call again.
    var effect: ToolEffect { get }
    /// How long one run may take before it is cancelled; nil for until shortly before the invocation's deadline, which is the
    /// default. A run that is cancelled so failed if the tool is ``ToolEffect/pure``, and otherwise may have taken effect.
    var timeLimit: Duration? { get }
    /// Whether a run that threw, or took too long, is repeated before the model is told. Default: ``RetryPolicy/never``,
    /// and always so for ``ToolEffect/once``.
    var retries: RetryPolicy { get }
    /// Whether its calls in one reply run one after the other, in the reply's order, with those of all tools of which this
    /// is true. Default: no, calls of one reply run side by side.
    var keepsOrder: Bool { get }
    /// The JSON Schema of the arguments. Default: made from `Arguments`.
    ///
    /// It is asked for once, when the function starts; what it throws is reported as an init error.
    func parameters() throws -> JSONValue
    /// Whether a person has to agree to this call. Default: no.
    ///
    /// A function of the arguments alone: it is asked when the model calls, which is recorded, and again to check the
    /// arguments when an approved or interrupted call runs.
    func approval(for arguments: Arguments) -> ApprovalRequirement
    /// Does it.
    ///
    /// What it throws is told to the model as a failed call; ``UnknownOutcome`` as one that may have taken effect. When the
    /// task is cancelled, which happens at the time limit and shortly before the invocation's deadline, it should throw soon;
    /// the call then counts as interrupted. What it returns counts as its result even then.
    func call(arguments: Arguments, context: ToolContext) async throws -> Output
}

extension Tool {
    /// The type's name in snake case: `LookUpOrder` becomes `look_up_order`, `HTTPGet` becomes `http_get`.
    public var name: String { snakeCased(String(describing: Self.self)) }
    /// Never run again by itself.
    public var effect: ToolEffect { .once }
    /// Until shortly before the invocation's deadline.
    public var timeLimit: Duration? { nil }
    /// A run that threw is told to the model.
    public var retries: RetryPolicy { .never }
    /// Side by side.
    public var keepsOrder: Bool { false }
    /// The schema of `Arguments`, from its `Codable` conformance.
    public func parameters() throws -> JSONValue { try JSONSchema.describing(Arguments.self) }
    /// No approval needed.
    public func approval(for arguments: Arguments) -> ApprovalRequirement { .notRequired }
}

/// Thrown by a tool that cannot tell whether it took effect, such as a payment whose answer did not arrive.
public struct UnknownOutcome: Error, Sendable, CustomStringConvertible {
    /// What the model is told besides.
    public let reason: String

    /// Creates the error.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// For the model: the outcome is unknown, and the reason.
    public var description: String {
        "The outcome of this call is unknown: it may or may not have taken effect. \(reason)"
    }
}

/// Collects tools; `if`, `if else` and `for` are allowed.
@resultBuilder
public enum ToolBuilder {
    /// A tool.
    public static func buildExpression(_ tool: any Tool) -> [any Tool] { [tool] }
    /// Several lines.
    public static func buildBlock(_ parts: [any Tool]...) -> [any Tool] { parts.flatMap(\.self) }
    /// `if` without `else`.
    public static func buildOptional(_ part: [any Tool]?) -> [any Tool] { part ?? [] }
    /// `if`.
    public static func buildEither(first part: [any Tool]) -> [any Tool] { part }
    /// `else`.
    public static func buildEither(second part: [any Tool]) -> [any Tool] { part }
    /// `for`.
    public static func buildArray(_ parts: [[any Tool]]) -> [any Tool] { parts.flatMap(\.self) }
}

/// A word begins at a capital behind a small letter or a digit, and at the last capital of several: `URLFetcher2Go`
/// becomes `url_fetcher2_go`.
private func snakeCased(_ name: String) -> String {
    let characters = Array(name)
    var words = ""
    for (index, character) in characters.enumerated() {
        if character.isUppercase, index > 0, characters[index - 1] != "_" {
            let endsCapitals = characters.indices.contains(index + 1) && characters[index + 1].isLowercase
            if !characters[index - 1].isUppercase || endsCapitals { words += "_" }
        }
        words += character.lowercased()
    }
    return words
}
