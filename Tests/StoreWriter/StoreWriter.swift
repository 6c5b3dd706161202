// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import SQLiteDriver
import SessionStore

/// A process of its own that uses a session store, for tests that kill it or compete with it.
///
/// ```
/// StoreWriter append <root> <session> <writer> <count>   one lease, <count> commits
/// StoreWriter turns  <root> <session> <writer> <count>   one lease for each of <count> commits
/// StoreWriter hold   <root> <session>                    leases, says "leased", releases when its input ends
/// ```
///
/// Each commit is acknowledged with a line that holds its number, after it is durable.
///
/// `PERDURE_FAULT=<operation or any>:<number>:<kill, kill-after or stop>[:<bytes>]` is a fault plan.
@main
struct StoreWriter {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    struct UsageError: Error {}

    static func run(_ arguments: [String]) throws {
        guard arguments.count >= 3 else { throw UsageError() }
        if let words = ProcessInfo.processInfo.environment["PERDURE_FAULT"] { try plan(words).set() }
        let store = try SessionStore(root: arguments[1])
        let session = try SessionID(arguments[2])
        switch (arguments[0], arguments.count) {
        case ("append", 5):
            let first = try commits(of: arguments[3], in: store, session)
            var leased = try lease(session, in: store)
            for number in first..<first + (Int(arguments[4]) ?? 0) {
                try commit(number, by: arguments[3], to: &leased)
            }
            try leased.release()
        case ("turns", 5):
            for number in 0..<(Int(arguments[4]) ?? 0) {
                var leased = try lease(session, in: store)
                try commit(number, by: arguments[3], to: &leased)
                try leased.release()
                // Lets the other one in.
                usleep(.random(in: 0...20_000))
            }
        case ("hold", 3):
            let leased = try lease(session, in: store)
            say("leased")
            _ = try FileHandle.standardInput.readToEnd()
            try leased.release()
            say("released")
        default:
            throw UsageError()
        }
    }

    static func plan(_ words: String) throws -> FaultPlan {
        let parts = words.split(separator: ":").map(String.init)
        let actions: [String: FaultPlan.Action] = ["kill": .kill, "kill-after": .killAfterwards, "stop": .stop]
        guard parts.count >= 3, let number = Int(parts[1]), let action = actions[parts[2]] else { throw UsageError() }
        let operation = FileOperation(name: parts[0])
        guard operation != nil || parts[0] == "any" else { throw UsageError() }
        return FaultPlan(action, at: operation, number: number, bytes: parts.count > 3 ? Int(parts[3]) : nil)
    }

    static func lease(_ session: SessionID, in store: SessionStore) throws -> LeasedSession {
        try store.lease(session, of: AgentName("agent"), attempt: "writer", until: .now.advanced(by: .seconds(60)))
    }

    /// How many commits of a writer are in the log.
    static func commits(of writer: String, in store: SessionStore, _ session: SessionID) throws -> Int {
        let leased = try lease(session, in: store)
        let found = try leased.entries().count { entry in
            if case .input(let request, _) = entry.fact { request.hasPrefix(writer + "/") } else { false }
        }
        try leased.release()
        return found
    }

    /// Two entries and an outcome, some of them longer than a page.
    static func commit(_ number: Int, by writer: String, to leased: inout LeasedSession) throws {
        let request = "\(writer)/\(number)"
        let turn = try leased.summary().turns + 1
        let text = String(repeating: "x", count: number * 7919 % 40_000)
        try leased.append(
            [
                Entry(turn: turn, fact: .input(request: request, text: text)),
                Entry(turn: turn, fact: .reply(ModelReply(text: request))),
            ],
            outcome: .completed(reply: request)
        )
        say("\(number)")
    }

    /// One write, so that a killed process leaves whole lines or none.
    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
