// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import ArgumentParser
import Foundation
import Perdure

/// `perdure usage`: what was spent on models.
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what sessions, their turns and steps have spent on models.",
        discussion: """
            Tokens are as the provider counted them. Costs are in the currency of the price that the agent was given, \
            as they were noted when the model answered; a step that was taken without a price costs nothing here. A \
            model call whose answer was lost in a crash is in no log.
            """
    )

    @Argument(help: "The id of a session; without, all sessions are summed up.")
    var session: String?

    @Option(help: "The agent, where several have a session of that id.")
    var agent: String?

    @Flag(help: "Show each model call of the session.")
    var steps = false

    @OptionGroup var options: StoreOptions

    func validate() throws {
        if session == nil, steps { throw ValidationError("--steps is about one session; name it") }
    }

    func run() async throws {
        let store = try options.store()
        guard let session else { return try showAll(of: store) }
        let found = try StoredSession(session, of: agent, in: store)
        let usage = Usage(try found.withLease { lease in try lease.storedEntries() })
        if options.json {
            var more: JSONObject = ["turns": .array(usage.turns.map(\.json)), "total": usage.total.json]
            if steps { more["steps"] = .array(usage.steps.map(\.json)) }
            return print(found.json(more).pretty)
        }
        var table = Table(["TURN", steps ? "STEP" : "CALLS"] + Spending.heads)
        for row in steps ? usage.steps : usage.turns {
            let cell = steps ? row.step.map(String.init) ?? "summary" : "\(row.spent.modelCalls)"
            table.add(["\(row.turn)", cell] + row.spent.cells)
        }
        table.add(["total", steps ? "" : "\(usage.total.modelCalls)"] + usage.total.cells)
        print(table)
    }

    private func showAll(of store: SessionStore) throws {
        let (summaries, unreadable) = try store.sessions()
        var failures = unreadable.map { "\($0.folder): \($0.error)" }
        var table = Table(["AGENT", "SESSION", "TURNS", "CALLS"] + Spending.heads)
        var items: [JSONValue] = []
        for summary in summaries where agent == nil || agent == summary.agent {
            let found: StoredSession
            let usage: Usage
            do {
                found = try StoredSession(summary.session, of: summary.agent, in: store)
                usage = Usage(try found.withLease { lease in try lease.storedEntries() })
            } catch let error as SessionStoreError {
                // Somebody has leased or erased it since it was listed.
                failures.append("\(summary.agent)/\(summary.session): \(error)")
                continue
            }
            items.append(found.json(["turns": .init(usage.turns.count), "total": usage.total.json]))
            table.add(
                [summary.agent, summary.session.printableLine, "\(usage.turns.count)", "\(usage.total.modelCalls)"]
                    + usage.total.cells)
        }
        if options.json {
            let value: JSONValue = ["sessions": .array(items)]
            print(value.pretty)
        } else {
            print(items.isEmpty ? "no sessions" : "\(table)")
        }
        for failure in failures { say("\(failure.printableLine)\n") }
        if !failures.isEmpty { throw ExitCode(1) }
    }
}

/// What a log says was spent.
struct Usage {
    /// A turn, or a step of one.
    struct Row {
        let turn: Int
        /// The number of the reply in the session; nil for a summary of the conversation, and for a whole turn.
        var step: Int?
        var spent = Spending()

        var json: JSONValue {
            guard case .object(var object) = spent.json else { return .null }
            object["turn"] = .init(turn)
            if let step { object["step"] = .init(step) }
            return .object(object)
        }
    }

    private(set) var steps: [Row] = []
    private(set) var turns: [Row] = []
    private(set) var total = Spending()

    init(_ entries: [StoredEntry]) {
        var replies = 0
        for stored in entries {
            let turn = stored.entry.turn
            if turns.last?.turn != turn { turns.append(Row(turn: turn)) }
            var row = Row(turn: turn)
            var usage: TokenUsage?
            var isPaid = true
            switch stored.entry.fact {
            case .reply(let reply):
                replies += 1
                row.step = replies
                (usage, isPaid) = (reply.usage, !reply.isFromCache)
            case .compaction(let compaction) where compaction.modelAnswered: usage = compaction.usage
            default: continue
            }
            if isPaid {
                row.spent.add(usage)
                turns[turns.count - 1].spent.add(usage)
                total.add(usage)
            }
            steps.append(row)
        }
    }
}

extension Spending {
    fileprivate static let heads = ["INPUT", "CACHED", "OUTPUT", "COST"]

    fileprivate var cells: [String] {
        ["\(input)", "\(cachedInput)", "\(output)", String(format: "%.6f", Double(cost) / 1_000_000)]
    }

    /// Costs in millionths, as they are kept.
    fileprivate var json: JSONValue {
        [
            "modelCalls": .init(modelCalls), "inputTokens": .init(input), "cachedInputTokens": .init(cachedInput),
            "outputTokens": .init(output), "costMicros": .init(cost),
        ]
    }
}
