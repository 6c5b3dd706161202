// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// A loop that is sent whatever comes, and a book of what it asked for.
struct Chaos {
    var random: SeededGenerator
    var loop: AgentLoop
    var log: [Entry] = []
    /// What this process was asked for and has not reported.
    var isAsking = false
    var running: Set<CallPosition> = []
    var request = 0
    var isSummarising = false
    /// What the model was asked last, and what the conversation was then.
    var asked: (conversation: [Message], request: [Message])?
    /// Over all processes.
    var runs: [CallPosition: [ToolRun]] = [:]
    var refusals = 0
    var time: Int64 = 0

    init(seed: UInt64) {
        random = SeededGenerator(state: seed)
        var definition = AgentLoop.Definition(
            sessionIdentity: "s", instructions: "", tools: Harness.tools,
            maximumModelCalls: Int.random(in: 1...4, using: &random))
        definition.maximumParallelTools = Int.random(in: 1...5, using: &random)
        definition.maximumInterruptions = Int.random(in: 1...20, using: &random)
        if Int.random(in: 0..<4, using: &random) == 0 {
            definition.turnBudget.modelCalls = Int.random(in: 1...6, using: &random)
            definition.sessionBudget.modelCalls = Int.random(in: 1...40, using: &random)
        }
        definition.context = Self.anyContext(&random)
        for index in definition.tools.indices {
            definition.tools[index].keepsOrder = Int.random(in: 0..<4, using: &random) == 0
        }
        loop = AgentLoop(definition)
    }

    var history: History { loop.history }

    /// Sends an event, and checks everything that the loop promises about its answer.
    mutating func send(_ event: Event) throws {
        let before = loop
        let effects: [Effect]
        do throws(LoopError) {
            time += Int64.random(in: 0...5, using: &random)
            effects = try loop.handle(
                event, at: time, startingSteps: Int.random(in: 0..<10, using: &random) > 0)
        } catch {
            #expect(error.code != .brokenLog, "\(error) for \(event)")
            #expect("\(loop)" == "\(before)")
            refusals += 1
            return
        }
        switch event {
        case .modelReplied, .modelRefused: #expect(isAsking, "a reply that nobody waits for was taken")
        case .toolFinished(let position, _), .toolSuspended(let position, _):
            #expect(running.remove(position) != nil, "a result of a tool that does not run was taken")
        case .steer:
            #expect(isAsking && running.isEmpty, "a message joined where no model call was about to begin")
        case .summarised, .summaryRefused: #expect(isSummarising, "a summary that nobody waits for was taken")
        case .timeUp, .cancel:
            // What was under way is given up, as whoever runs it has to.
            (isAsking, isSummarising, running) = (false, false, [])
        case .input, .verdicts, .resume, .release, .signal:
            #expect(!isAsking && !isSummarising && running.isEmpty, "\(event) was taken while something is under way")
        }
        switch event {
        case .modelReplied, .modelRefused, .steer: isAsking = false
        case .summarised, .summaryRefused: isSummarising = false
        default: break
        }
        try perform(effects)
        #expect(illegality(of: history.messages) == nil)
    }

    private mutating func perform(_ effects: [Effect]) throws {
        var isOver = false
        for effect in effects {
            #expect(!isOver, "something follows the end")
            switch effect {
            case .commit(let entries, _):
                #expect(!entries.isEmpty)
                log += entries
            case .callModel(let request):
                #expect(!isAsking && !isSummarising && running.isEmpty, "the model is asked too early")
                check(request)
                isAsking = true
            case .summarise(let request, _):
                #expect(!isAsking && !isSummarising && running.isEmpty, "a summary is asked for too early")
                #expect(illegality(of: request.messages) == nil)
                isSummarising = true
            case .runTool(let run):
                let ordered = loop.definition.tools.filter(\.keepsOrder).map(\.name)
                if ordered.contains(run.tool) {
                    let others = history.calls.filter {
                        running.contains($0.position) && ordered.contains($0.call.name)
                    }
                    #expect(others.isEmpty, "\(run.position) runs beside one that stands before it")
                }
                #expect(running.insert(run.position).inserted, "\(run.position) is run twice")
                #expect(!isAsking)
                let tool = try #require(Harness.tools.first { $0.name == run.tool })
                if tool.effect == .once { #expect(runs[run.position] == nil, "\(run.position) ran before") }
                if tool.effect != .pure {
                    let claims = log.count { $0.kind == .claim && $0.position == run.position }
                    #expect(claims == runs[run.position, default: []].count + 1, "claims and runs differ")
                }
                #expect(runs[run.position]?.first.map { $0.idempotencyKey == run.idempotencyKey } ?? true)
                runs[run.position, default: []].append(run)
            case .finish:
                isOver = true
                #expect(!isAsking && !isSummarising && running.isEmpty)
            }
        }
        let settled = log.filter { $0.kind == .result }.compactMap(\.position)
        #expect(Set(settled).count == settled.count, "a call has two results")
    }

    /// Does what is left to do, until a turn has ended or waits for a person.
    mutating func goOnToTheEnd() throws {
        var left = 200
        while let event = sensibleEvent(), left > 0 {
            let before = refusals
            try send(event)
            #expect(refusals == before, "\(event) was refused in \(history.phase)")
            left -= 1
        }
        #expect(left > 0, "no end is reached")
        #expect(history.phase != .open)
    }

    /// The process dies, and another one reads the log.
    mutating func die() throws {
        loop = AgentLoop(loop.definition)
        for entry in log { try loop.replay(entry) }
        (isAsking, isSummarising, running) = (false, false, [])
    }

    /// Any event, mostly one that makes no sense.
    mutating func anyEvent() -> Event {
        request += 1
        switch Int.random(in: 0..<14, using: &random) {
        case 13: return .steer(request: "\(request)", text: "text \(request)")
        case 0: return .input(request: "\(request)", text: "text \(request)")
        case 1: return .verdicts(request: "\(request)", anyVerdicts())
        case 2: return .resume
        case 3: return .modelReplied(anyReply())
        case 4: return Bool.random(using: &random) ? .summarised(anyReply()) : .summaryRefused
        case 5: return .modelRefused(reason: "too long")
        case 6: return .timeUp
        case 7: return .release(request: "\(request)")
        case 8: return .signal(request: "\(request)", name: "s", value: 1)
        case 9:
            return Int.random(in: 0..<4, using: &random) == 0 ? .cancel(request: "\(request)", reason: nil) : .timeUp
        case 10:
            let position = running.min { "\($0)" < "\($1)" } ?? anyPosition()
            return .toolSuspended(position, until: Bool.random(using: &random) ? time + 10 : nil)
        default:
            let position = Bool.random(using: &random) ? running.min { "\($0)" < "\($1)" } : nil
            let content = String(repeating: "\(request) ", count: Int.random(in: 0...60, using: &random))
            return .toolFinished(position ?? anyPosition(), ToolResult(status: .succeeded, content: content))
        }
    }

    /// The event that leads on from here; nil when nothing is left to do.
    mutating func sensibleEvent() -> Event? {
        if isAsking { return .modelReplied(anyReply()) }
        if isSummarising { return .summarised(anyReply()) }
        if let position = running.min(by: { "\($0)" < "\($1)" }) {
            return .toolFinished(position, ToolResult(status: .failed, content: "no"))
        }
        return history.phase == .open ? .resume : nil
    }

    private mutating func anyVerdicts() -> [Verdict] {
        let open = history.approvals.map(\.position)
        return (0..<Int.random(in: 0...3, using: &random)).map { _ in
            let position = open.randomElement(using: &random)
            return Verdict(position: position ?? anyPosition(), isApproved: Bool.random(using: &random))
        }
    }

    mutating func anyPosition() -> CallPosition {
        let newest = history.replies
        return CallPosition(
            reply: Int.random(in: max(0, newest - 1)...newest + 1, using: &random),
            index: Int.random(in: -1...3, using: &random))
    }

    mutating func anyReply() -> ModelReply {
        let names = ["read", "set", "pay", "ask", "fly", "urgent"]
        let arguments = ["{}", "", "{", "[]", #"{"n":1}"#]
        let calls = (0..<Int.random(in: 0...4, using: &random)).map { index in
            ToolCall(
                id: "\(index)", name: names.randomElement(using: &random) ?? "",
                arguments: arguments.randomElement(using: &random) ?? "")
        }
        let counts = [0, 30, 30, 300, -1, .max]
        let usage = TokenUsage(
            input: counts.randomElement(using: &random) ?? 0, output: counts.randomElement(using: &random) ?? 0)
        return ModelReply(
            text: Int.random(in: 0..<6, using: &random) == 0 ? "" : "text",
            toolCalls: Bool.random(using: &random) ? calls : [], usage: Bool.random(using: &random) ? usage : nil)
    }
}
