// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

/// The process died.
struct Crash: Error {}

/// Everything outside of the loop: the log that survives a crash, a model that follows a script, tools that count.
///
/// Each thing that happens is a step, and the world can be told to die right after any of them.
struct World {
    /// What a caller sends, again after each crash, until the request has an outcome.
    struct Delivery: Sendable {
        let request: String
        let event: Event

        static func message(_ text: String, request: String) -> Delivery {
            Delivery(request: request, event: .input(request: request, text: text))
        }

        static func verdicts(_ verdicts: [Verdict], request: String) -> Delivery {
            Delivery(request: request, event: .verdicts(request: request, verdicts))
        }
    }

    let definition: AgentLoop.Definition
    /// The model's replies in the session, by their number: the model answers the same prefix with the same reply.
    let replies: [ModelReply]
    /// The steps after which the process dies.
    var deaths: Set<Int> = []

    private(set) var steps = 0
    /// What is durable.
    private(set) var log: [Entry] = []
    private(set) var commits: [[Entry]] = []
    /// Request id → outcome, nil while the turn is open.
    private(set) var requests: [String: Outcome?] = [:]
    private(set) var runs: [ToolRun] = []
    private(set) var modelRequests: [(number: Int, messages: [Message], allowsToolCalls: Bool)] = []

    init(replies: [ModelReply], maximumModelCalls: Int = 16) {
        self.replies = replies
        definition = .init(
            sessionIdentity: "s",
            instructions: "Help.",
            tools: Harness.tools,
            maximumModelCalls: maximumModelCalls
        )
    }

    /// Delivers a request until it is answered; gives up after too many deaths.
    mutating func deliver(_ delivery: Delivery) throws -> Outcome {
        for _ in 0..<20 {
            do {
                return try attempt(delivery)
            } catch is Crash {
                continue
            }
        }
        throw Crash()
    }

    /// One invocation: the log is replayed into a new loop, as after a crash there is nothing else.
    private mutating func attempt(_ delivery: Delivery) throws -> Outcome {
        if let outcome = requests[delivery.request] ?? nil { return outcome }
        var loop = AgentLoop(definition)
        for entry in log { try loop.replay(entry) }
        var effects = try loop.handle(requests.keys.contains(delivery.request) ? .resume : delivery.event)
        while true {
            var runs: [ToolRun] = []
            var next: [Effect] = []
            for effect in effects {
                switch effect {
                case .commit(let entries, let outcome):
                    try commit(entries, outcome)
                case .runTool(let run):
                    runs.append(run)
                case .callModel(let request):
                    next = try loop.handle(.modelReplied(try ask(request)))
                case .finish(let outcome):
                    return outcome
                }
            }
            // All tools of a batch start before the first of them ends, and the last one ends first.
            for run in runs { try start(run) }
            for run in runs.reversed() {
                let result = ToolResult(status: .succeeded, content: "result of \(run.position)")
                for effect in try loop.handle(.toolFinished(run.position, result)) {
                    guard case .commit(let entries, let outcome) = effect else {
                        next.append(effect)
                        continue
                    }
                    try commit(entries, outcome)
                }
            }
            effects = next
        }
    }

    private mutating func commit(_ entries: [Entry], _ outcome: Outcome?) throws {
        #expect(!entries.isEmpty)
        log += entries
        commits.append(entries)
        for entry in entries {
            switch entry.fact {
            case .input(let request, _):
                #expect(requests.updateValue(nil, forKey: request) == nil, "request \(request) is logged twice")
            case .attempt(.released(let request)), .cancel(let request, _), .signal(let request, _, _):
                #expect(requests.updateValue(nil, forKey: request) == nil, "request \(request) is logged twice")
            case .decision(let request, _):
                if requests[request] == nil { requests.updateValue(nil, forKey: request) }
            default: break
            }
        }
        if let outcome {
            for request in requests.keys where requests[request] == .some(nil) {
                requests[request] = .some(outcome)
            }
        }
        try step()
    }

    private mutating func ask(_ request: ModelRequest) throws -> ModelReply {
        let number = request.messages.count { if case .assistant = $0 { true } else { false } }
        modelRequests.append((number, request.messages, request.allowsToolCalls))
        #expect(illegality(of: request.messages) == nil)
        let reply = try #require(number < replies.count ? replies[number] : nil, "the model is asked once too often")
        try step()
        return reply
    }

    private mutating func start(_ run: ToolRun) throws {
        let specification = try #require(definition.tools.first { $0.name == run.tool })
        if specification.effect != .pure {
            let claims = log.compactMap { entry -> Int? in
                guard case .claim(run.position, run.tool, specification.effect, let attempt) = entry.fact else {
                    return nil
                }
                return attempt
            }
            #expect(claims.last == claims.count && !claims.isEmpty, "\(run.position) runs before its claim is durable")
        }
        runs.append(run)
        try step()
    }

    private mutating func step() throws {
        steps += 1
        if deaths.contains(steps) { throw Crash() }
    }
}
