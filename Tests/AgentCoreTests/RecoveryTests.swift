// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RecoveryTests {
    @Test(arguments: Script.all)
    func `without a crash the log is what the script says`(_ script: Script) throws {
        let world = try live(script, dyingAfter: [])
        #expect(world.log.map(\.kind.rawValue).joined(separator: " ") == script.log)
        #expect(Set(world.runs.map(\.position)).count == world.runs.count)
        #expect(Set(world.runs.map(\.idempotencyKey)).count == world.runs.count)
    }

    @Test(arguments: Script.all)
    func `a crash after any step is recovered`(_ script: Script) throws {
        let whole = try live(script, dyingAfter: [])
        for death in 1...whole.steps {
            check(try live(script, dyingAfter: [death]), against: whole, deaths: 1, "dead after step \(death)")
        }
    }

    // The number of lives grows with the square of the steps: of the long scripts, those that summarise.
    @Test(arguments: Script.all.filter { !$0.name.hasPrefix("cut") || $0.name.hasSuffix("summaries") })
    func `a second crash during the recovery is recovered`(_ script: Script) throws {
        let whole = try live(script, dyingAfter: [])
        for first in 1...whole.steps {
            for second in 1...whole.steps + 4 {
                let deaths: Set = [first, first + second]
                check(try live(script, dyingAfter: deaths), against: whole, deaths: 2, "dead after \(deaths)")
            }
        }
    }

    @Test func `a process that dies in every run of an idempotent tool runs it again with the same key`() throws {
        let script = try #require(Script.all.first { $0.name == "two tools, one after the other" })
        // input, model, reply, pay, result, reply, claim and then: run, claim, run, claim, run.
        let world = try live(script, dyingAfter: [8, 10, 12])
        let runs = world.runs.filter { $0.tool == "set" }
        #expect(runs.count == 4)
        #expect(Set(runs.map(\.idempotencyKey)).count == 1)
        #expect(attempts(at: CallPosition(reply: 2, index: 0), in: world) == [1, 2, 3, 4])
    }

    private func live(_ script: Script, dyingAfter deaths: Set<Int>) throws -> World {
        var world = World(
            replies: script.replies, maximumModelCalls: script.maximumModelCalls, context: script.context)
        world.deaths = deaths
        for delivery in script.deliveries {
            let outcome = try world.deliver(delivery)
            // The answer is the one that is written down.
            #expect(world.requests[delivery.request] == .some(outcome))
        }
        return world
    }

    @Test func `a turn that kills each process is parked, and goes on when somebody says so`() throws {
        var world = World(replies: [ModelReply(text: "hi")])
        // The commit of the message, and then each attempt's, before the model is asked.
        world.deaths = [1, 2, 3, 4, 5, 6]
        let outcome = try world.deliver(.message("hello", request: "1"))
        #expect(outcome == .parked(reason: "the turn was interrupted 6 times"))
        #expect(world.modelRequests.isEmpty)
        #expect(try world.deliver(.message("hello", request: "1")) == outcome)
        #expect(
            try world.deliver(World.Delivery(request: "2", event: .release(request: "2"))) == .completed(reply: "hi"))
        #expect(
            world.log.map(\.kind.rawValue).joined(separator: " ")
                == "input" + String(repeating: " attempt", count: 6) + " park attempt reply")
    }

    private func attempts(at position: CallPosition, in world: World) -> [Int] {
        world.log.compactMap {
            if case .claim(position, _, _, let attempt) = $0.fact { attempt } else { nil }
        }
    }

    private func check(_ world: World, against whole: World, deaths: Int, _ comment: Comment) {
        checkEffects(of: world, against: whole, comment)
        // Nothing is added but that there was another attempt. No entry is missing or doubled but the claims of what ran
        // again, and of no model call is the answer lost but
        // of those that the crash cut off.
        func keys(_ world: World) -> [String] {
            world.log.filter { $0.kind != .claim && $0.kind != .attempt }.map {
                "\($0.kind) \($0.position?.description ?? "")"
            }.sorted()
        }
        #expect(keys(world) == keys(whole), comment)
        #expect(world.modelRequests.count <= whole.modelRequests.count + deaths, comment)
        #expect(world.log.count { $0.kind == .reply } == whole.log.count { $0.kind == .reply }, comment)
        // Where nothing is unknown, the model is asked exactly the same.
        let unknown = world.log.contains {
            if case .result(_, let result) = $0.fact { result.status == .unknown } else { false }
        }
        if !unknown {
            for request in world.modelRequests {
                let original = whole.modelRequests.first { $0.number == request.number }
                #expect(original?.messages == request.messages, comment)
                #expect(original?.allowsToolCalls == request.allowsToolCalls, comment)
            }
        }
        for summary in world.summaries {
            #expect(
                whole.summaries.contains { $0.number == summary.number && $0.messages == summary.messages }, comment)
        }
        #expect(world.summaries.count <= whole.summaries.count + deaths, comment)
        checkFold(of: world, comment)
    }

    private func checkEffects(of world: World, against whole: World, _ comment: Comment) {
        for position in Set(whole.runs.map(\.position)) {
            let runs = world.runs.filter { $0.position == position }
            let results = world.log.compactMap {
                if case .result(position, let result) = $0.fact { result.status } else { nil }
            }
            #expect(results.count == 1, comment)
            switch runs.first?.tool ?? whole.runs.first(where: { $0.position == position })?.tool {
            case "pay", "ask":
                #expect(runs.count <= 1, comment)
                #expect(attempts(at: position, in: world) == [1], comment)
                if runs.isEmpty { #expect(results == [.unknown], comment) }
            case "set":
                #expect(runs.count >= 1 && results == [.succeeded], comment)
                let attempts = attempts(at: position, in: world)
                #expect(attempts == Array(1...max(1, attempts.count)), comment)
                #expect(runs.count <= attempts.count, comment)
            default:
                #expect(runs.count >= 1 && results == [.succeeded], comment)
                #expect(attempts(at: position, in: world).isEmpty, comment)
            }
            #expect(Set(runs.map(\.idempotencyKey)).count <= 1, comment)
            for run in runs {
                #expect(run.idempotencyKey == whole.runs.first { $0.position == position }?.idempotencyKey, comment)
            }
        }
    }

    /// Every prefix of the log is a history, and each history is a conversation.
    private func checkFold(of world: World, _ comment: Comment) {
        var history = History()
        for entry in world.log {
            #expect(throws: Never.self, comment) { try history.apply(entry) }
            #expect(illegality(of: history.messages) == nil, comment)
            #expect(illegality(of: history.context) == nil, comment)
        }
    }
}
