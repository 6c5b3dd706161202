// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// A tool that does what it is told to, and counts.
final class Puppet: Tool {
    struct Arguments: Codable { let n: Int }
    struct Failure: Error, CustomStringConvertible { let description = "out of order" }

    enum Manner {
        /// Returns at once.
        case works
        /// Throws at once.
        case fails
        /// Waits until cancelled the first time, and then throws; returns at once from then on.
        case hangs
        /// Waits until cancelled the first time, and then still returns a result.
        case finishesLate
    }

    let name: String
    let description = "A puppet."
    let effect: ToolEffect
    let timeLimit: Duration?
    private let manner: Manner
    private let calls = Mutex<[String]>([])

    init(_ name: String, _ manner: Manner, _ effect: ToolEffect = .once, timeLimit: Duration? = nil) {
        self.name = name
        self.manner = manner
        self.effect = effect
        self.timeLimit = timeLimit
    }

    /// The idempotency keys of the runs.
    var keys: [String] { calls.withLock(\.self) }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let isFirst = calls.withLock { calls in
            calls.append(context.idempotencyKey)
            return calls.count == 1
        }
        switch manner {
        case .works: break
        case .fails: throw Failure()
        case .hangs: if isFirst { try await Task.sleep(for: .seconds(3600)) }
        case .finishesLate:
            if isFirst {
                try? await Task.sleep(for: .seconds(3600))
                // What has begun is brought to its end.
                await Task { try? await Task.sleep(for: .milliseconds(100)) }.value
            }
        }
        return "\(name) \(arguments.n)"
    }
}

@Suite(.timeLimit(.minutes(2))) struct ToolTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    /// A server that has these tools called, all in one reply, and then answers with a text.
    func server(calling names: String..., arguments: String = #"{"n":1}"#) throws -> ScriptedModelServer {
        try ScriptedModelServer([
            .toolCalls(names.map { .init(name: $0, arguments: arguments) }), .text("Done."),
        ])
    }

    @Test func `a tool that throws is told to the model`() async throws {
        let server = try server(calling: "bad")
        let tool = Puppet("bad", .fails)
        #expect(try await bench.ask(bench.runtime(server, tools: [tool])).get() == .completed(reply: "Done."))
        let warning = "It may have taken effect, in whole or in part: check before trying it again."
        #expect(try server.messages(1).last == "tool: The tool failed: out of order \(warning)")
        #expect(tool.keys.count == 1)
    }

    @Test func `a tool that does not exist is told to the model`() async throws {
        let server = try server(calling: "nosuch")
        let tool = Puppet("good", .works)
        #expect(try await bench.ask(bench.runtime(server, tools: [tool])).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last == "tool: There is no tool of that name. The tools are: good.")
        #expect(tool.keys.isEmpty)
    }

    @Test(arguments: [#"{"n":"one"}"#, "{}", "[]", #"{"n":"#, "", #"{"n":1e99}"#])
    func `arguments that do not fit are told to the model and the tool does not run`(arguments: String) async throws {
        let server = try server(calling: "good", arguments: arguments)
        let tool = Puppet("good", .works)
        #expect(try await bench.ask(bench.runtime(server, tools: [tool])).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.hasPrefix("tool: The tool was not run: its arguments do not fit.") == true)
        #expect(tool.keys.isEmpty)
    }

    @Test func `an interrupted call of a once tool is told as unknown and never runs again`() async throws {
        let server = try server(calling: "slow")
        let tool = Puppet("slow", .hangs)
        let runtime = try bench.runtime(server, tools: [tool])
        try await bench.interrupt(runtime) { tool.keys.count == 1 }
        #expect(try bench.log().map(\.kind) == [.input, .reply, .claim, .pause])
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.hasPrefix("tool: The outcome of this call is unknown") == true)
        #expect(tool.keys.count == 1)
        #expect(server.requests.count == 2)
    }

    @Test(arguments: [ToolEffect.idempotent, .pure])
    func `an interrupted call that may run again does so with its key`(effect: ToolEffect) async throws {
        let server = try server(calling: "slow")
        let tool = Puppet("slow", .hangs, effect)
        let runtime = try bench.runtime(server, tools: [tool])
        try await bench.interrupt(runtime) { tool.keys.count == 1 }
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last == "tool: slow 1")
        #expect(tool.keys.count == 2)
        #expect(Set(tool.keys).count == 1)
        #expect(server.requests.count == 2)
    }

    @Test(arguments: [Puppet.Manner.works, .finishesLate], [nil, Duration.seconds(3600)])
    func `a result is kept although a sibling hangs`(manner: Puppet.Manner, timeLimit: Duration?) async throws {
        let server = try server(calling: "slow", "other", "slow")
        let slow = Puppet("slow", .hangs, .idempotent)
        let other = Puppet("other", manner, timeLimit: timeLimit)
        let runtime = try bench.runtime(server, tools: [slow, other])
        try await bench.interrupt(runtime) { slow.keys.count == 2 && other.keys.count == 1 }
        #expect(try await bench.ask(runtime).get() == .completed(reply: "Done."))
        #expect(other.keys.count == 1)
        #expect(
            try server.messages(1).suffix(3) == ["tool: slow 1", "tool: other 1", "tool: slow 1"])
        // Of the two calls of the slow tool, the first hung and the second did not.
        #expect(slow.keys.count == 3)
        #expect(Set(slow.keys).count == 2)
        #expect(server.requests.count == 2)
    }

    @Test func `a tool that hangs is cancelled before the deadline, and its siblings' results are kept`() async throws {
        let server = try server(calling: "slow", "other")
        let slow = Puppet("slow", .hangs)
        let other = Puppet("other", .works)
        let runtime = try bench.runtime(server, tools: [slow, other])
        #expect(try await bench.ask(runtime, within: .seconds(4)).errorCode == .deadlineExceeded)
        #expect(try bench.log().map(\.kind) == [.input, .reply, .claim, .claim, .result, .pause])
        #expect(try await bench.ask(runtime, within: .seconds(60)).get() == .completed(reply: "Done."))
        #expect(slow.keys.count == 1)
        #expect(other.keys.count == 1)
    }

    @Test func `another message overtakes an interrupted call`() async throws {
        let server = try server(calling: "slow")
        let tool = Puppet("slow", .hangs)
        let runtime = try bench.runtime(server, tools: [tool])
        try await bench.interrupt(runtime) { tool.keys.count == 1 }
        #expect(try await bench.ask(runtime, "And?", id: "2").get() == .completed(reply: "Done."))
        let messages = try server.messages(1)
        #expect(messages.last == "user: And?")
        #expect(messages.dropLast().last?.hasPrefix("tool: The outcome of this call is unknown") == true)
        #expect(tool.keys.count == 1)
    }

    @Test func `a tool that is gone after a restart is told to the model`() async throws {
        let server = try server(calling: "slow", "gone")
        let tools = [Puppet("slow", .hangs, .pure), Puppet("gone", .hangs, .idempotent)]
        let runtime = try bench.runtime(server, tools: tools)
        try await bench.interrupt(runtime) { tools.allSatisfy { $0.keys.count == 1 } }
        #expect(try await bench.ask(bench.runtime(server, tools: [tools[0]])).get() == .completed(reply: "Done."))
        #expect(try server.messages(1).last?.hasPrefix("tool: The outcome of this call is unknown") == true)
        #expect(tools[1].keys.count == 1)
    }
}
