// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import SQLiteDriver
import Synchronization

/// Counts from 1.
final class Counter: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// A sandbox of `Tests/LoopLife/run`: does what it is told on standard input, one invocation a line, at the time that it
/// is told.
///
/// ```
/// {"now":…, "event":{…}, "at":"…", "fault":"…", "deadline":…}      the last three may be missing
/// ```
///
/// It says what a `turn` says, `wake {"due":…,"event":{…}}` for what it asks to be woken by, and `end` behind each.
enum Life {
    /// Milliseconds since 1970, as the line says.
    private final class Clock: Sendable {
        let time = Atomic<Int64>(0)
    }

    static func live(root: String, effects: String, isUpgraded: Bool) async throws {
        let clock = Clock()
        let store = try SessionStore(root: root) { clock.time.load(ordering: .relaxed) }
        say("begin")
        while let line = readLine() {
            let order = try JSONValue(parsing: line.utf8)
            guard let now = order["now"]?.int, let event = order["event"] else { throw LoopAgent.UsageError() }
            clock.time.store(Int64(now), ordering: .relaxed)
            let boundary = try Boundary(at: order["at"]?.string, fault: order["fault"]?.string)
            let scene = LifeTool.Scene(file: effects, boundary: boundary, counter: Counter(), now: now)
            var agent = Agent(
                name: "agent", instructions: "Do what you are asked to do.",
                model: WatchedModel(model: .fromEnvironment(), boundary: boundary))
            agent.tools = LifeTool.all(isUpgraded: isUpgraded, scene)
            let wakes = Wakes { event in
                tell(event, due: Int64(now))
            } schedule: { _, due, event in
                tell(event, due: due)
            }
            let runtime = try AgentRuntime(agent, store: store, wakes: wakes)
            boundary.arm(milliseconds: nil)
            let deadline = order["deadline"]?.int.map { ContinuousClock.now.advanced(by: .milliseconds($0)) }
            do throws(AgentError) {
                let request = try AgentRequest(event: event, defaultID: "none")
                let response = try await runtime.respond(to: request, deadline: deadline)
                await boundary.reached("reply", 1)
                say("answer \(response.json)")
            } catch {
                say("error \(error.code.errorType) \(error.detail)")
            }
            boundary.disarm()
            FaultPlan.clear()
            say("end")
        }
    }

    private static func tell(_ event: JSONValue, due: Int64) {
        say("wake \(JSONValue.object(["due": .init(Int(due)), "event": event]))")
    }
}
