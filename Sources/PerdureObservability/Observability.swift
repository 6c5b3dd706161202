// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import CoreMetrics
public import Perdure
public import Tracing

/// Hands what an agent does to swift-metrics and swift-distributed-tracing.
///
/// ```swift
/// let agent = Agent(name: "support", instructions: "…").observed(by: Observability())
/// ```
///
/// The program sets up both with a backend of its choice; without one, nothing is recorded. What a backend has not sent off when
/// an invocation ends waits for the next one: Lambda freezes the process. Flush it in
/// ``LambdaRuntimeAPI/InvocationContext/afterResponse(_:)``.
///
/// An operation costs one span, and one to five meters that the backend looks up by label and dimensions: a turn with one
/// tool has nine operations. What the packages weigh in a bootstrap is in the article Observing.
public struct Observability: AgentObserver {
    private let factory: (any MetricsFactory)?
    private let tracer: (any Tracer)?

    /// Uses what the program has set up by the time of each operation.
    public init() {
        self.init(metrics: nil, tracer: nil)
    }

    /// Uses a backend of its own for one of the two, or for both.
    /// - Parameters:
    ///   - metrics: nil for `MetricsSystem.factory`.
    ///   - tracer: nil for `InstrumentationSystem.tracer`.
    public init(metrics: (any MetricsFactory)?, tracer: (any Tracer)?) {
        factory = metrics
        self.tracer = tracer
    }

    /// Makes a span of the operation, and counts and times it. It waits for nothing but `body`, if the backend does not.
    ///
    /// Where no span is around it, a turn's is a child of the one that Lambda's header names.
    public func observe<Value>(
        _ operation: AgentOperation, _ body: () async -> (Value, AgentOperation.Result)
    ) async -> Value {
        let tracer = tracer ?? InstrumentationSystem.tracer
        var context = ServiceContext.current ?? .topLevel
        // Within a span, such as that of a tool that is an agent, a turn is a part of it.
        if ServiceContext.current == nil, case .turn = operation.kind, let header = operation.traceHeader {
            tracer.extract(TraceCarrier(header), into: &context, using: TraceCarrierExtractor())
        }
        return await tracer.withAnySpan(operation.spanName, context: context, ofKind: operation.spanKind) { span in
            let started = ContinuousClock.now
            let (value, result) = await body()
            record(operation, result, started.duration(to: .now))
            if span.isRecording { annotate(span, operation, result) }
            return value
        }
    }

    private func record(_ operation: AgentOperation, _ result: AgentOperation.Result, _ duration: Duration) {
        let meters = Meters(agent: operation.agent, factory: factory ?? MetricsSystem.factory)
        switch operation.kind {
        case .turn:
            meters.count("perdure.turns", ("outcome", result.status))
            meters.time("perdure.turn.duration", duration, ("outcome", result.status))
            if result.isReplay { meters.count("perdure.replays") }
        case .lease:
            meters.time("perdure.lease.wait", duration, ("status", result.status))
        case .modelCall:
            meters.count("perdure.model.calls", ("status", result.status))
            meters.time("perdure.model.duration", duration, ("status", result.status))
            guard let usage = result.usage else { return }
            meters.count("perdure.tokens.input", by: usage.input)
            meters.count("perdure.tokens.output", by: usage.output)
            meters.count("perdure.tokens.cached", by: usage.cachedInput)
        case .tool(let name):
            meters.count("perdure.tool.runs", ("tool", name), ("status", result.status))
            meters.time("perdure.tool.duration", duration, ("tool", name), ("status", result.status))
        case .commit:
            meters.time("perdure.commit.duration", duration, ("status", result.status))
        }
    }

    private func annotate(_ span: any Span, _ operation: AgentOperation, _ result: AgentOperation.Result) {
        span.updateAttributes { attributes in
            attributes["perdure.agent"] = operation.agent
            attributes["perdure.status"] = result.status
            if let type = result.errorType { attributes["error.type"] = type }
            if result.isReplay { attributes["perdure.replay"] = true }
            if case .modelCall(let step) = operation.kind { attributes["perdure.step"] = step }
            // The names of OpenTelemetry's conventions for generative AI.
            if case .tool(let name) = operation.kind { attributes["gen_ai.tool.name"] = name }
            if let usage = result.usage {
                attributes["gen_ai.usage.input_tokens"] = usage.input
                attributes["gen_ai.usage.output_tokens"] = usage.output
                attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cachedInput
            }
        }
        if result.isFailure { span.setStatus(SpanStatus(code: .error, message: result.errorType)) }
    }
}

/// Makes the meters of one agent.
private struct Meters {
    let agent: String
    let factory: any MetricsFactory

    func count(_ label: String, by amount: Int = 1, _ dimensions: (String, String)...) {
        Counter(label: label, dimensions: [("agent", agent)] + dimensions, factory: factory).increment(by: amount)
    }

    func time(_ label: String, _ duration: Duration, _ dimensions: (String, String)...) {
        let (seconds, attoseconds) = duration.components
        Timer(label: label, dimensions: [("agent", agent)] + dimensions, factory: factory)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

extension AgentOperation {
    /// A few names: what a span is about stands in its attributes.
    fileprivate var spanName: String {
        switch kind {
        case .turn: "perdure.turn"
        case .lease: "perdure.lease"
        case .modelCall: "perdure.model"
        case .tool(let name): "perdure.tool \(name)"
        case .commit: "perdure.commit"
        }
    }

    fileprivate var spanKind: SpanKind {
        switch kind {
        case .turn: .server
        case .modelCall: .client
        case .lease, .tool, .commit: .internal
        }
    }
}
