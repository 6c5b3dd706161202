// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import Synchronization
import Testing

/// A model that is a function of the conversation, and counts how often it is asked.
final class PlainModel: LanguageModel {
    private let count = Mutex(0)
    private let answer: @Sendable (_ messages: [Message]) async throws -> ModelReply

    init(_ answer: @escaping @Sendable (_ messages: [Message]) async throws -> ModelReply) { self.answer = answer }

    var calls: Int { count.withLock(\.self) }

    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        count.withLock { $0 += 1 }
        return try await answer(request.messages)
    }

    /// Calls these tools at once, and repeats what they say.
    static func calling(_ calls: (tool: String, arguments: String)...) -> PlainModel {
        PlainModel { messages in
            var results: [String] = []
            for message in messages {
                if case .tool(_, let content) = message { results.append(content) }
            }
            if !results.isEmpty { return ModelReply(text: results.joined(separator: " | ")) }
            return ModelReply(
                text: "",
                toolCalls: calls.enumerated().map { index, call in
                    ToolCall(id: "c\(index)", name: call.tool, arguments: call.arguments)
                })
        }
    }
}

/// Pays, once, if a person agrees.
struct Pay: Tool {
    struct Arguments: Codable { let cents: Int }
    let name = "pay"
    let description = "Pays."
    let diary: Diary
    var patience: Duration?

    func approval(for arguments: Arguments) -> ApprovalRequirement { .required(reason: "money", within: patience) }
    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        diary.note("paid \(arguments.cents)")
        return "paid \(arguments.cents)"
    }
}

/// Waits for an hour, or for a signal.
struct Sleepy: Tool {
    struct Arguments: Codable {}
    let name = "sleepy"
    let description = "Waits."
    let effect = ToolEffect.idempotent
    var forSignal = false

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        if forSignal { return try await context.waitForSignal("never", as: String.self) }
        try await context.wait("an hour", for: .seconds(3600))
        return "rested"
    }
}

@Suite(.timeLimit(.minutes(2))) struct SubagentTests {
    let root: TemporaryRoot
    let store: SessionStore
    let diary = Diary()

    init() throws {
        root = try TemporaryRoot()
        store = try SessionStore(root: root.path, now: { [diary] in diary.now })
    }

    static let task = #"{"message":"do it"}"#

    /// An agent with one tool, which is an agent with these tools.
    func team(_ model: some LanguageModel, _ tools: any Tool...) -> (lead: Agent, calls: PlainModel) {
        let helper = Agent(name: "helper", instructions: "", model: model) { for tool in tools { tool } }
        let lead = PlainModel.calling(("helper", Self.task))
        return (
            lead: Agent(name: "lead", instructions: "", model: lead) {
                helper.asTool(description: "Helps.")
            }, calls: lead
        )
    }

    func send(_ event: JSONValue, to agent: Agent, wakes: Wakes? = nil) async throws -> Outcome {
        let request = try AgentRequest(event: event, defaultID: "none")
        return try await AgentRuntime(agent, store: store, wakes: wakes).respond(to: request).outcome
    }

    let start: JSONValue = ["session": "a", "id": "1", "message": "Go"]

    @Test func `the other agent's reply is the result, and its session is found below its name`() async throws {
        let helper = PlainModel { messages in ModelReply(text: "\(messages.last == .user("do it"))") }
        let team = team(helper)
        #expect(try await send(start, to: team.lead) == .completed(reply: "true"))
        let sessions = try store.sessions().readable
        #expect(sessions.map(\.agent) == ["helper", "lead"])
        #expect(sessions[0].session.hasPrefix("a."))
        #expect(sessions[0].session.utf8.count == 34)
    }

    @Test func `an agent is a tool of another one`() async throws {
        let model = PlainModel.calling(("translator", #"{"message":"Good morning"}"#))
        let french = PlainModel { _ in ModelReply(text: "Bonjour") }

        let translator = Agent(name: "translator", instructions: "Translate into French.", model: french)
        let editor = Agent(name: "editor", instructions: "You edit a newsletter.", model: model) {
            translator.asTool(description: "Translates a text into French.")
        }

        #expect(try await send(start, to: editor) == .completed(reply: "Bonjour"))
    }

    @Test func `a turn that was cut off goes on in both agents, and nobody is paid twice`() async throws {
        let isFirst = Diary()
        let helper = PlainModel { messages in
            if case .tool = messages.last {
                if isFirst.note("end") == 1 { try await Task.sleep(for: .seconds(3600)) }
                return ModelReply(text: "helped")
            }
            return ModelReply(text: "", toolCalls: [ToolCall(id: "x", name: "note", arguments: "{}")])
        }
        let team = team(helper, Note(diary: diary))
        let lead = team.lead
        let task = Task { try await send(start, to: lead) }
        try await eventually { isFirst.done.count == 1 }
        task.cancel()
        await #expect(throws: AgentError.self) { try await task.value }
        #expect(try await send(start, to: lead) == .completed(reply: "helped"))
        #expect(diary.done == ["noted"])
        // Its last answer never arrived; what had arrived was not asked for again.
        #expect(helper.calls == 3)
        #expect(team.calls.calls == 2)
    }

    @Test func `the end of an invocation puts both turns off, and the next one goes on with both`() async throws {
        let isFirst = Diary()
        let helper = PlainModel { messages in
            if case .tool = messages.last {
                if isFirst.note("end") == 1 { try await Task.sleep(for: .seconds(3600)) }
                return ModelReply(text: "helped")
            }
            return ModelReply(text: "", toolCalls: [ToolCall(id: "x", name: "note", arguments: "{}")])
        }
        let team = team(helper, Note(diary: diary))
        let service = Calendar()
        let runtime = try AgentRuntime(team.lead, store: store, wakes: service.wakes)
        let request = try AgentRequest(event: start, defaultID: "none")
        let first = try await runtime.respond(to: request, deadline: .now.advanced(by: .seconds(5)))
        #expect(first.outcome == .continuing)
        let next = try AgentRequest(event: #require(service.invoked.first), defaultID: "none")
        #expect(service.invoked.count == 1)
        #expect(try await runtime.respond(to: next).outcome == .completed(reply: "helped"))
        #expect(diary.done == ["noted"])
        #expect(team.calls.calls == 2)
    }

    @Test func `what the other agent fails with is told to the model`() async throws {
        let helper = PlainModel { _ in throw ModelError(.refused, "too long") }
        guard case .completed(let reply) = try await send(start, to: team(helper).lead) else { throw Unreachable() }
        #expect(reply.contains("The agent's turn failed: the model failed, refused: too long"))
    }

    @Test func `a model that does not answer the other agent fails the turn, which goes on later`() async throws {
        let diary = diary
        let helper = PlainModel { _ in
            if diary.note("asked") == 1 { throw ModelError(.unavailable, "down") }
            return ModelReply(text: "up again")
        }
        let team = team(helper)
        let error = await #expect(throws: AgentError.self) { try await send(start, to: team.lead) }
        #expect(error?.code == .modelFailed)
        #expect(try await send(start, to: team.lead) == .completed(reply: "up again"))
        #expect(team.calls.calls == 2)
    }

    @Test func `its budget is its own, and the model is told that it is spent`() async throws {
        var helper = Agent(name: "helper", instructions: "", model: PlainModel.calling(("note", "{}"))) {
            Note(diary: diary)
        }
        helper.turnBudget = Budget(modelCalls: 1)
        let lead = Agent(name: "lead", instructions: "", model: PlainModel.calling(("helper", Self.task))) {
            helper.asTool(description: "Helps.")
        }
        guard case .completed(let reply) = try await send(start, to: lead) else { throw Unreachable() }
        #expect(reply.contains("The agent's turn stopped: the turn has made its 1 model calls."))
    }

    @Test(arguments: [true, false])
    func `its approvals are decided through the agent above`(approving: Bool) async throws {
        let team = team(PlainModel.calling(("pay", #"{"cents":5}"#)), Pay(diary: diary))
        guard case .awaiting(let approvals) = try await send(start, to: team.lead) else { throw Unreachable() }
        #expect(approvals.map(\.call.name) == ["pay"])
        #expect(Outcome.awaiting(approvals).json["approvals"]?[0]?["call"] == "1.0/1.0")
        // Asked again, it still waits for the same.
        #expect(try await send(start, to: team.lead) == .awaiting(approvals))
        let wrong: JSONValue = ["session": "a", "id": "2", "decisions": [["call": "1.0/2.0", "approve": true]]]
        let error = await #expect(throws: AgentError.self) { try await send(wrong, to: team.lead) }
        #expect(error?.code == .noSuchApproval)
        let decision: JSONObject = ["call": "1.0/1.0", "approve": .bool(approving), "arguments": ["cents": 3]]
        let decide: JSONValue = ["session": "a", "id": "3", "decisions": [.object(decision)]]
        guard case .completed(let reply) = try await send(decide, to: team.lead) else { throw Unreachable() }
        #expect(reply.contains(approving ? "paid 3" : "not approved"))
        #expect(try await send(decide, to: team.lead) == .completed(reply: reply))
        #expect(diary.done == (approving ? ["paid 3"] : []))
    }

    @Test func `approvals of two agents are decided at once`() async throws {
        let helper = Agent(name: "helper", instructions: "", model: PlainModel.calling(("pay", #"{"cents":5}"#))) {
            Pay(diary: diary)
        }
        let model = PlainModel.calling(("helper", Self.task), ("helper", Self.task))
        let lead = Agent(name: "lead", instructions: "", model: model) { helper.asTool(description: "Helps.") }
        guard case .awaiting(let approvals) = try await send(start, to: lead) else { throw Unreachable() }
        #expect(approvals.count == 2)
        let decide: JSONValue = [
            "session": "a", "id": "2",
            "decisions": [["call": "1.0/1.0", "approve": true], ["call": "1.1/1.0", "approve": true]],
        ]
        #expect(try await send(decide, to: lead) == .completed(reply: "paid 5 | paid 5"))
        #expect(diary.done == ["paid 5", "paid 5"])
        #expect(try await send(decide, to: lead) == .completed(reply: "paid 5 | paid 5"))
        #expect(try store.verify(SessionID("a"), of: AgentName("lead")).isSound)
    }

    @Test func `arguments that do not fit are asked for again`() async throws {
        let team = team(PlainModel.calling(("pay", #"{"cents":5}"#)), Pay(diary: diary))
        _ = try await send(start, to: team.lead)
        let wrong: JSONValue = [
            "session": "a", "id": "2", "decisions": [["call": "1.0/1.0", "approve": true, "arguments": ["euro": 1]]],
        ]
        guard case .awaiting(let approvals) = try await send(wrong, to: team.lead) else { throw Unreachable() }
        #expect(approvals.count == 1)
        let right: JSONValue = ["session": "a", "id": "3", "decisions": [["call": "1.0/1.0", "approve": true]]]
        #expect(try await send(right, to: team.lead) == .completed(reply: "paid 5"))
        #expect(diary.done == ["paid 5"])
    }

    @Test func `an approval that nobody gave in time is rejected`() async throws {
        let pay = Pay(diary: diary, patience: .seconds(60))
        let team = team(PlainModel.calling(("pay", #"{"cents":5}"#)), pay)
        guard case .awaiting = try await send(start, to: team.lead) else { throw Unreachable() }
        diary.pass(.seconds(60))
        guard case .completed(let reply) = try await send(start, to: team.lead) else { throw Unreachable() }
        #expect(reply.contains("nobody decided in time"))
        #expect(diary.done == [])
    }

    @Test func `a wait of the other agent suspends both`() async throws {
        let team = team(PlainModel.calling(("sleepy", "{}")), Sleepy())
        let due = diary.now + 3_600_000
        #expect(try await send(start, to: team.lead) == .suspended(until: due))
        diary.pass(.seconds(3600))
        let wake: JSONValue = ["session": "a", "id": "w", "wake": true]
        #expect(try await send(wake, to: team.lead) == .completed(reply: "rested"))
        #expect(try await send(start, to: team.lead) == .completed(reply: "rested"))
    }

    @Test func `a signal that cannot come is not waited for`() async throws {
        let team = team(PlainModel.calling(("sleepy", "{}")), Sleepy(forSignal: true))
        guard case .completed(let reply) = try await send(start, to: team.lead) else { throw Unreachable() }
        #expect(reply.contains("was called off, because it waits for a signal"))
    }

    @Test func `calling a turn off calls off the other agent's`() async throws {
        let team = team(PlainModel.calling(("sleepy", "{}")), Sleepy())
        _ = try await send(start, to: team.lead)
        #expect(try await send(["session": "a", "id": "2", "cancel": true], to: team.lead) == .cancelled)
        let helper = try #require(try store.sessions().readable.first { $0.agent == "helper" })
        let session = try store.leaseExisting(SessionID(helper.session), of: AgentName("helper"), until: .now)
        let last = try session.entries().last
        try session.release()
        #expect(last?.kind == .cancel)
        #expect(try await send(["session": "a", "id": "3", "message": "Go"], to: team.lead) != .cancelled)
    }

    @Test func `calls in one reply run at the same time, as many as the agent allows`() async throws {
        let gauge = Gauge()
        let helper = PlainModel { _ in
            gauge.enter()
            try await Task.sleep(for: .milliseconds(20))
            gauge.leave()
            return ModelReply(text: "done")
        }
        let names = (0..<8).map { "helper\($0)" }
        let model = PlainModel { messages in
            if case .tool = messages.last { return ModelReply(text: "\(messages.count)") }
            return ModelReply(
                text: "", toolCalls: names.map { ToolCall(id: $0, name: "helper", arguments: Self.task) })
        }
        var lead = Agent(name: "lead", instructions: "", model: model) {
            Agent(name: "helper", instructions: "", model: helper).asTool(description: "Helps.")
        }
        lead.maximumParallelTools = 3
        // One user message, one reply and eight results.
        #expect(try await send(start, to: lead) == .completed(reply: "10"))
        #expect(gauge.most <= 3)
        #expect(helper.calls == 8)
    }

    @Test func `agents are tools of each other so deep and no deeper`() throws {
        func nested(_ depth: Int) -> Agent {
            Agent(name: "level\(depth)", instructions: "", model: PlainModel { _ in ModelReply(text: "") }) {
                if depth > 0 { nested(depth - 1).asTool(description: "Helps.") }
            }
        }
        _ = try AgentRuntime(nested(Subagent.maximumDepth), store: store)
        let error = #expect(throws: AgentError.self) {
            try AgentRuntime(nested(Subagent.maximumDepth + 1), store: store)
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func `a workflow can be a tool, and the message is its input`() async throws {
        let double = Workflow(name: "double") { (number: Int, session) in
            try await session.step("double") { number * 2 }
        }
        let model = PlainModel.calling(("double", #"{"message":"21"}"#))
        let lead = Agent(name: "lead", instructions: "", model: model) {
            double.agent.asTool(description: "Doubles.")
        }
        #expect(try await send(start, to: lead) == .completed(reply: "42"))
    }

    @Test func `a decision reaches an agent two levels down`() async throws {
        let payer = Agent(name: "payer", instructions: "", model: PlainModel.calling(("pay", #"{"cents":5}"#))) {
            Pay(diary: diary)
        }
        let team = team(PlainModel.calling(("payer", Self.task)), payer.asTool(description: "Pays."))
        guard case .awaiting = try await send(start, to: team.lead) else { throw Unreachable() }
        let decide: JSONValue = ["session": "a", "id": "2", "decisions": [["call": "1.0/1.0/1.0", "approve": true]]]
        #expect(try await send(decide, to: team.lead) == .completed(reply: "paid 5"))
    }
}

/// Counts what happens at the same time.
private final class Gauge: Sendable {
    private let state = Mutex((now: 0, most: 0))
    var most: Int { state.withLock(\.most) }
    func enter() {
        state.withLock { state in
            state.now += 1
            state.most = max(state.most, state.now)
        }
    }
    func leave() { state.withLock { $0.now -= 1 } }
}

/// Leaves a line.
struct Note: Tool {
    struct Arguments: Codable {}
    let name = "note"
    let description = "Notes."
    let diary: Diary
    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        diary.note("noted")
        return "noted"
    }
}
