// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Perdure
import PerdureTesting
import SQLiteDriver
import SessionStore
import Synchronization
import Testing

/// Numbers for all who need some.
private final class Dice: Sendable {
    private let numbers: Mutex<SplitMix>

    init(seed: UInt64) { numbers = Mutex(SplitMix(state: seed)) }

    func roll(_ sides: Int) -> Int { numbers.withLock { Int.random(in: 0..<sides, using: &$0) } }
    /// One time in that many.
    func hits(_ sides: Int) -> Bool { roll(sides) == 0 }
}

/// Uses all that a tool is given, from several tasks at once, under few names, and leaves tasks behind.
private struct Unruly: Tool {
    struct Arguments: Codable { let n: Int }
    let name: String
    let effect: ToolEffect
    let keepsOrder: Bool
    let dice: Dice
    let diary: Diary
    let description = "Does anything."
    let retries = RetryPolicy.exponential(attempts: 2, base: .milliseconds(1))

    func approval(for arguments: Arguments) -> ApprovalRequirement {
        guard arguments.n < 3 else { return .notRequired }
        return .required(reason: "n", within: arguments.n == 0 ? nil : .seconds(60))
    }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        diary.note("\(effect.rawValue) \(context.idempotencyKey)")
        let (count, heeds) = (dice.roll(4), !dice.hits(4))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { try await act(context) } }
            while let result = await group.nextResult() {
                if heeds { try result.get() }
            }
        }
        if dice.hits(4) { Task { try? await act(context) } }
        if dice.hits(5) { throw Unreachable() }
        return "done"
    }

    private func act(_ context: ToolContext) async throws {
        let name = ["a", "b", "c"][dice.roll(3)]
        switch dice.roll(8) {
        case 4:
            let command: JSONValue = ["command": "create", "path": .init("/memories/\(name)"), "file_text": "x"]
            _ = try await MemoryTool().call(
                arguments: JSONValueDecoder().decode(MemoryTool.Arguments.self, from: command), context: context)
        case 0: try await context.wait(name, for: .seconds(30))
        case 1: let _: Int? = try await context.waitForSignal("s", for: .seconds(60))
        case 2: let _: Int = try await context.waitForSignal("s")
        case 3: try await context.schedule(name, at: diary.now + 1000, message: "It is time.")
        default:
            _ = try await context.step(name) {
                if dice.hits(4) { throw Unreachable() }
                return dice.roll(1000)
            }
        }
    }
}

/// Sessions to which anything happens, in any order, with files that fail and definitions that change.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RandomLifeTests {
    private static let names = ["a", "b", "once", "helper", "memory", "gone"]

    private func model(_ dice: Dice, calling names: [String]) -> PlainModel {
        PlainModel { _ in
            if dice.hits(24) { throw Unreachable() }
            guard !dice.hits(3) else { return ModelReply(text: "said") }
            let calls = (0...dice.roll(3)).map { index in
                let name = names[dice.roll(names.count)]
                let arguments: JSONValue =
                    switch name {
                    case "helper": ["message": "help"]
                    case "memory": ["command": "create", "path": .init("/memories/\(index)"), "file_text": "x"]
                    default: ["n": .init(dice.roll(12))]
                    }
                return ToolCall(id: "\(index)", name: name, arguments: arguments.description)
            }
            return ModelReply(text: "", toolCalls: calls)
        }
    }

    /// The agent as one of many deployments has it.
    private func agent(_ dice: Dice, _ diary: Diary) -> Agent {
        func tool(_ name: String) -> Unruly {
            let effect: ToolEffect = name == "once" ? .once : [.pure, .idempotent, .idempotent, .once][dice.roll(4)]
            return Unruly(name: name, effect: effect, keepsOrder: dice.hits(3), dice: dice, diary: diary)
        }
        let below = (tool("a"), tool("once"))
        let helper = Agent(name: "helper", instructions: "", model: model(dice, calling: ["a", "once"])) {
            below.0
            below.1
        }
        var tools: [any Tool] = [tool("a"), tool("once"), MemoryTool()]
        if !dice.hits(5) { tools.append(tool("b")) }
        if !dice.hits(5) { tools.append(helper.asTool(description: "Helps.")) }
        var agent = Agent(name: "lead", instructions: "", model: model(dice, calling: Self.names)) {
            for tool in tools { tool }
        }
        agent.maximumParallelTools = 1 + dice.roll(4)
        agent.maximumInterruptions = 2
        if dice.hits(2) { agent.context = .window(messages: 6, keeping: 3) }
        if dice.hits(3) { agent.whenBusy = .queue(.atNextStep) }
        return agent
    }

    private func verdicts(_ approvals: [Approval], _ dice: Dice) -> [Verdict] {
        approvals.filter { _ in !dice.hits(3) }.map { approval in
            var verdict = Verdict(position: approval.position, isApproved: !dice.hits(3))
            verdict.path = approval.path
            return verdict
        }
    }

    /// One that may make sense after that outcome, any other one, or one that was sent before.
    private func request(
        _ number: Int, after sent: [AgentRequest], _ outcome: Outcome?, _ dice: Dice
    ) -> AgentRequest {
        let content: AgentRequest.Content
        switch (outcome, dice.roll(9)) {
        case (.awaiting(let approvals)?, 0...4): content = .decisions(verdicts(approvals, dice))
        case (.suspended?, 0...2): content = .wake
        case (.suspended?, 3...5), (_, 5): content = .signal(name: "s", value: .init(number))
        case (_, 6): content = .wake
        case (_, 7): content = .resume
        case (_, 8): content = dice.hits(2) ? .cancel(reason: "\(number)") : .decisions([])
        default: content = .message("\(number)")
        }
        guard !sent.isEmpty, dice.hits(4) else {
            return AgentRequest(session: "s", id: "\(number)", content: content)
        }
        var request = sent[dice.roll(sent.count)]
        if dice.hits(2) { request.content = .resume }
        return request
    }

    /// The log of each session is one that can go on, and the tables beside it say the same.
    private func check(_ store: SessionStore, after event: String) throws {
        for names in try store.sessions().readable {
            let (id, agent) = (try SessionID(names.session), try AgentName(names.agent))
            let report = try store.verify(id, of: agent)
            #expect(report.isSound, "\(names) after \(event): \(report.findings)")
        }
    }

    @Test(arguments: (1...24) as ClosedRange<UInt64>)
    func `whatever happens, the log can be read and the session goes on`(_ seed: UInt64) async throws {
        let (dice, diary, root) = (Dice(seed: seed), Diary(), try TemporaryRoot())
        let store = try SessionStore(root: root.path, now: { diary.now })
        let wakes = Wakes { _ in
        } schedule: { _, _, _ in
            if dice.hits(8) { throw Unreachable() }
        }
        var sent: [AgentRequest] = []
        var outcome: Outcome?
        for number in 1...(10 + dice.roll(15)) {
            let request = request(number, after: sent, outcome, dice)
            sent.append(request)
            diary.pass(.seconds(dice.roll(40)))
            var plan = FaultPlan(.fail(5), number: 1 + dice.roll(90))
            plan.folder = store.root
            let fails = dice.hits(3)
            if fails { plan.set() }
            let runtime = try AgentRuntime(agent(dice, diary), store: store, wakes: wakes)
            var requests = [request]
            if dice.hits(3) {
                requests.append(AgentRequest(session: "s", id: "\(number)/2", content: .message("and")))
                requests.append(AgentRequest(session: "s", id: "\(number)/3", content: .cancel(reason: nil)))
            }
            let turns = requests.prefix(1 + dice.roll(3)).map { request in
                Task { try await runtime.respond(to: request).outcome }
            }
            if dice.hits(6) {
                try await Task.sleep(for: .milliseconds(dice.roll(8)))
                turns[0].cancel()
            }
            for turn in turns {
                do {
                    outcome = try await turn.value
                } catch let error as AgentError where !fails {
                    #expect(![.storageFailed, .sessionTakenOver].contains(error.code), "\(requests): \(error)")
                } catch {}
            }
            FaultPlan.clear()
            try check(store, after: "\(number), \(request.content)")
        }
        var last = Agent(name: "lead", instructions: "", model: PlainModel { _ in ModelReply(text: "Here.") }) {}
        last.tools = agent(dice, diary).tools
        let end = AgentRequest(session: "s", id: "end", content: .message("Are you there?"))
        outcome = try await AgentRuntime(last, store: store).respond(to: end).outcome
        #expect(outcome == .completed(reply: "Here."))
        try check(store, after: "the end")
        let once = diary.done.filter { $0.hasPrefix("once ") }
        #expect(Set(once).count == once.count)
    }
}
