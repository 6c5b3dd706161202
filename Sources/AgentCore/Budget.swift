// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What may be spent, by one turn or by a session in its whole life. What is not set has no limit.
///
/// It is looked at before each step, so that what one step consumes can exceed it: a turn stops before the first step
/// after it was reached. What was spent is read from the log, and survives every crash with it.
public struct Budget: Sendable, Hashable {
    /// How often a model may be asked. A reply from a cache is not counted.
    public var modelCalls: Int?
    /// Tokens of requests and replies together, as the provider counts them.
    public var tokens: Int?
    /// Money, in the currency of the agent's ``TokenPrice``. Without a price nothing is counted.
    public var cost: Double?
    /// The time since the session was created. For a turn it means nothing.
    public var age: Duration?

    /// No limit.
    public static let unlimited = Budget()

    /// Creates a budget.
    public init(modelCalls: Int? = nil, tokens: Int? = nil, cost: Double? = nil, age: Duration? = nil) {
        self.modelCalls = modelCalls
        self.tokens = tokens
        self.cost = cost
        self.age = age
    }

    /// Says what is used up; nil when nothing is.
    func exceeded(by spent: Spending, age spentAge: Duration?, of whom: String) -> String? {
        if let modelCalls, spent.modelCalls >= modelCalls { return "\(whom) has made its \(modelCalls) model calls" }
        if let tokens, spent.input + spent.output >= tokens { return "\(whom) has used its \(tokens) tokens" }
        if let cost, Double(spent.cost) >= cost * 1_000_000 { return "\(whom) has spent its \(cost)" }
        if let age, let spentAge, spentAge >= age { return "\(whom) has reached the age of \(age)" }
        return nil
    }
}

/// What a model's tokens cost, in any currency, for a million of them.
public struct TokenPrice: Sendable, Hashable {
    /// A million tokens of a request.
    public var input: Double
    /// A million tokens of a reply.
    public var output: Double
    /// A million tokens of a request that came from the provider's prompt cache.
    public var cachedInput: Double

    /// Creates a price.
    /// - Parameter cachedInput: By default the same as `input`.
    public init(input: Double, output: Double, cachedInput: Double? = nil) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput ?? input
    }

    /// What a call costs, in millionths, rounded up. The price of a million tokens is that of one in millionths.
    func cost(of usage: TokenUsage) -> Int {
        let cached = Double(max(0, usage.cachedInput))
        let fresh = max(0, Double(usage.input) - cached)
        let sum = fresh * input + cached * cachedInput + Double(max(0, usage.output)) * output
        return sum.isFinite && sum > 0 ? Int(min(sum, 1e15).rounded(.up)) : 0
    }
}

/// What was spent on models.
public struct Spending: Sendable, Hashable {
    /// How often a model answered.
    public var modelCalls = 0
    /// Tokens of the requests.
    public var input = 0
    /// Tokens of the replies.
    public var output = 0
    /// Those of ``input`` that came from the provider's prompt cache.
    public var cachedInput = 0
    /// In millionths of the currency of the agent's ``TokenPrice``.
    public var cost = 0

    /// Nothing.
    public init() {}

    /// Adds a reply.
    public mutating func add(_ usage: TokenUsage?) {
        modelCalls += 1
        guard let usage else { return }
        // A log is not trusted to hold numbers whose sum fits.
        input = input.addingWithSaturation(usage.input)
        output = output.addingWithSaturation(usage.output)
        cachedInput = cachedInput.addingWithSaturation(usage.cachedInput)
        cost = cost.addingWithSaturation(usage.cost ?? 0)
    }
}

extension Int {
    fileprivate func addingWithSaturation(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(Swift.max(0, other))
        return overflows ? .max : sum
    }
}
