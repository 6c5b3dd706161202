// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SQLiteDriver
import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A process of its own that uses a session store, for tests that kill it, freeze it or compete with it.
///
/// ```
/// StoreWriter append <root> <session> <writer> <count>   one lease, <count> commits
/// StoreWriter turns  <root> <session> <writer> <count>   one lease for each of <count> commits
/// StoreWriter hold   <root> <session>                    leases, says "leased", releases when its input ends
/// StoreWriter serve  <root> <session> <writer>           does what its input says: see `CommandedWriter`
/// StoreWriter erase  <root> <session>                    erases, says "erased"
/// StoreWriter migrate <root> <session>                   leases with a schema that is one version ahead
/// StoreWriter fixture <root> <session>                   writes what a fixture holds: see `Fixture`
/// StoreWriter say    <root> <session> <count>            lets others see <count> lines, one in 0.3 s
/// StoreWriter watch  <root> <session> <count>            looks <count> times at what is said, one in a tenth of a second
/// StoreWriter attach <root> <session> <name> <size>      attaches, and reads back: see `AttachedBytes`
/// ```
///
/// Each commit is acknowledged with a line that holds its number, after it is durable.
///
/// `PERDURE_FAULT=<action>:<operation or any>:<number>[:<bytes>]` is a fault plan: see `FaultPlan.init(words:)`.
///
/// Without Foundation, so that it is small enough for a virtual machine that loads it into memory.
@main
struct StoreWriter {
    static func main() async {
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("\(error)\n", to: 2)
            exit(1)
        }
    }

    struct UsageError: Error {}

    static func run(_ arguments: [String]) async throws {
        guard arguments.count >= 3 else { throw UsageError() }
        if let words = getenv("PERDURE_FAULT") {
            guard let plan = FaultPlan(words: String(cString: words)) else { throw UsageError() }
            plan.set()
        }
        var store = try SessionStore(root: arguments[1])
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
            while readLine() != nil {}
            try leased.release()
            say("released")
        case ("serve", 4):
            CommandedWriter(store: store, session: session, name: arguments[3]).serve()
        case ("erase", 3):
            try store.erase(session, of: AgentName("agent"), until: .now.advanced(by: .seconds(60)))
            say("erased")
        case ("migrate", 3):
            store.migrations = [
                Migration(from: 1, sql: "ALTER TABLE log ADD COLUMN note TEXT; UPDATE log SET note = kind")
            ]
            try lease(session, in: store).release()
            say("migrated")
        case ("fixture", 3):
            try Fixture.write(session, below: arguments[1])
        case ("say", 4):
            let leased = try lease(session, in: store)
            try await LiveLines(session, in: store).write(Int(arguments[3]) ?? 0)
            try leased.release()
            say("released")
        case ("watch", 4):
            try LiveLines(session, in: store).watch(Int(arguments[3]) ?? 0)
        case ("attach", 5):
            try AttachedBytes(name: arguments[3], size: Int(arguments[4]) ?? 0).run(session, in: store)
        default:
            throw UsageError()
        }
    }

    static func lease(
        _ session: SessionID,
        in store: SessionStore,
        waiting seconds: Int = 60
    ) throws(SessionStoreError) -> LeasedSession {
        try store.lease(session, of: AgentName("agent"), attempt: "writer", until: .now.advanced(by: .seconds(seconds)))
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

    static func say(_ line: String) { print("\(line)\n", to: 1) }

    /// One write as a rule, so that a killed process leaves whole lines or none.
    private static func print(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return }
            done += max(count, 0)
        }
    }
}
