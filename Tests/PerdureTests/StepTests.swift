// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Pays an order in three steps.
final class PayOrder: Tool {
    struct Arguments: Codable { let n: Int }
    struct Receipt: Codable { let number: Int }

    let description = "Pays an order."
    let effect = ToolEffect.idempotent
    let name = "pay"
    /// The step that hangs the first time, so that the process can be stopped in it.
    private let hanging: String
    private let runs = Mutex<[String]>([])

    init(hanging: String = "") { self.hanging = hanging }

    /// The steps that were done, or begun, in order, with their keys.
    var done: [String] { runs.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let total = try await context.step("look up") { try await begin("look up", context, 70 + arguments.n) }
        let receipt = try await context.step("charge") {
            try await begin("charge", context, Receipt(number: total))
        }
        return try await context.step("report") { try await begin("report", context, "paid \(receipt.number)") }
    }

    private func begin<Value>(_ step: String, _ context: ToolContext, _ value: Value) async throws -> Value {
        let key = context.idempotencyKey(forStep: step)
        let isFirst = runs.withLock { runs in
            runs.append("\(step) \(key)")
            return runs.filter { $0.hasPrefix(step) }.count == 1
        }
        if isFirst, step == hanging { try await Task.sleep(for: .seconds(3600)) }
        return value
    }
}

/// Throws, or takes too long, a number of times, and then returns.
final class Flaky: Tool {
    struct Arguments: Codable { let n: Int }
    struct Failure: Error, CustomStringConvertible { let description = "out of order." }

    let name = "flaky"
    let description = "Works at last."
    let effect: ToolEffect
    let timeLimit: Duration?
    let retries = RetryPolicy.exponential(attempts: 3, base: .milliseconds(1), cap: .milliseconds(2))
    private let failures: Int
    private let count = Mutex(0)

    init(_ effect: ToolEffect, failures: Int, timeLimit: Duration? = nil) {
        self.effect = effect
        self.failures = failures
        self.timeLimit = timeLimit
    }

    var runs: Int { count.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let run = count.withLock { count in
            count += 1
            return count
        }
        guard run <= failures else { return "run \(run)" }
        if timeLimit != nil { try await Task.sleep(for: .seconds(3600)) }
        throw Failure()
    }
}

/// Uses one name for two steps.
struct Confused: Tool {
    struct Arguments: Codable { let n: Int }
    let description = "Does one thing twice."
    let effect = ToolEffect.idempotent

    func call(arguments: Arguments, context: ToolContext) async throws -> Int {
        let first = try await context.step("add") { arguments.n }
        return try await context.step("add") { first + 1 }
    }
}

/// Leaves a task behind, which does a step when its call has its result.
final class Litterer: Tool {
    struct Arguments: Codable {}
    let name = "litter"
    let description = "Leaves a task behind."
    let gate = Barrier()
    private let end = Mutex<(any Error)?>(nil)

    /// What the step threw.
    var error: (any Error)? { end.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        Task {
            do {
                try await gate.pass()
                _ = try await context.step("late") { 1 }
                throw CancellationError()
            } catch {
                end.withLock { $0 = error }
            }
        }
        return "littered"
    }
}

/// Parts of a call that are done once, and runs that are repeated.
@Suite(.timeLimit(.minutes(2))) struct StepTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    func server(calling name: String) throws -> ScriptedModelServer {
        try ScriptedModelServer([.toolCalls([.init(name: name, arguments: #"{"n":1}"#)]), .text("Done.")])
    }

    @Test func `a call that runs again does the steps that did not end, each with its key`() async throws {
        let server = try server(calling: "pay")
        let tool = PayOrder(hanging: "charge")
        let runtime = try bench.runtime(server, tools: [tool])
        try await bench.interrupt(runtime) { tool.done.count == 2 }
        #expect(try bench.log().map(\.kind) == [.input, .reply, .claim, .step, .pause])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last == "tool: paid 71")
        #expect(tool.done.map { $0.prefix { $0 != " " } } == ["look", "charge", "charge", "report"])
        // The same key for the same step, and for no other.
        #expect(tool.done[1] == tool.done[2] && Set(tool.done).count == 3)
        #expect(
            try bench.log().map(\.kind) == [
                .input, .reply, .claim, .step, .pause, .attempt, .claim, .step, .step, .result, .reply,
            ])
    }

    @Test func `steps in one place are told apart by their names`() async throws {
        let server = try server(calling: "confused")
        let runtime = try bench.runtime(server, tools: [Confused()])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.contains("Two steps of one call have the same name: add") == true)
    }

    @Test func `a step of a task that a tool left behind is refused, and the session goes on`() async throws {
        let tool = Litterer()
        let model = PlainModel { messages in
            guard case .tool = messages.last else {
                return ModelReply(text: "", toolCalls: [ToolCall(id: "c", name: "litter", arguments: "{}")])
            }
            tool.gate.open()
            try await eventually { tool.error != nil }
            return ModelReply(text: "Done.")
        }
        let runtime = try bench.runtime(model, tools: [tool])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(tool.error is InvalidStep)
        #expect(try bench.log().map(\.kind) == [.input, .reply, .claim, .result, .reply])
        #expect(try await bench.ask(runtime, "Again", id: "2").get() == .completed(reply: "Done."))
    }

    @Test(arguments: [ToolEffect.pure, .idempotent])
    func `a run that threw is repeated, and the model hears of the last one`(effect: ToolEffect) async throws {
        let server = try server(calling: "flaky")
        let tool = Flaky(effect, failures: 2)
        #expect(try await bench.ask(bench.runtime(server, tools: [tool])).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last == "tool: run 3")
        #expect(tool.runs == 3)
    }

    @Test func `repeats end, and what may happen once is not repeated`() async throws {
        let never = Flaky(.pure, failures: 9)
        let failing = try server(calling: "flaky")
        _ = try await bench.ask(bench.runtime(failing, tools: [never])).get()
        #expect(try failing.messages(1).last == "tool: The tool failed, 3 times: out of order.")
        #expect(never.runs == 3)
        let once = Flaky(.once, failures: 9)
        let other = try Bench()
        _ = try await other.ask(other.runtime(server(calling: "flaky"), tools: [once])).get()
        #expect(once.runs == 1)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let effect: ToolEffect
        let runs: Int
        let told: String
        var testDescription: String { effect.rawValue }
    }

    @Test(arguments: [
        Case(effect: .pure, runs: 3, told: "tool: The tool failed, 3 times: It did not end within"),
        Case(effect: .idempotent, runs: 3, told: "tool: The outcome of this call is unknown"),
        Case(effect: .once, runs: 1, told: "tool: The outcome of this call is unknown"),
    ])
    func `a run that takes too long is cancelled`(item: Case) async throws {
        let server = try server(calling: "flaky")
        let tool = Flaky(item.effect, failures: 9, timeLimit: .milliseconds(20))
        #expect(try await bench.ask(bench.runtime(server, tools: [tool])).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.hasPrefix(item.told) == true)
        #expect(tool.runs == item.runs)
    }

    @Test func `a tool's steps can be tested without a session`() async throws {
        let context = ToolContext(session: "s", idempotencyKey: "k")
        #expect(try await PayOrder().call(arguments: .init(n: 2), context: context) == "paid 72")
    }
}
