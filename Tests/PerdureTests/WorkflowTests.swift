// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import SQLiteDriver
import Synchronization
import Testing

/// What was done in a workflow's steps, in order, and a clock.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])
    private let time = Mutex<Int64>(1_000_000)

    var done: [String] { lines.withLock(\.self) }
    var now: Int64 { time.withLock(\.self) }

    /// Adds a line; returns how often it is there now.
    @discardableResult
    func note(_ line: String) -> Int {
        lines.withLock { lines in
            lines.append(line)
            return lines.count { $0 == line }
        }
    }

    func pass(_ duration: Duration) { time.withLock { $0 += duration.components.seconds * 1000 } }
}

struct Topic: Codable {
    let topic: String
}

struct Report: Codable {
    let title: String
    let sources: Int
}

struct Unreachable: Error, CustomStringConvertible {
    let description = "the library is closed"
}

@Suite(.timeLimit(.minutes(2))) struct WorkflowTests {
    let root: TemporaryRoot
    let store: SessionStore
    let diary = Diary()

    init() throws {
        root = try TemporaryRoot()
        store = try SessionStore(root: root.path, now: { [diary] in diary.now })
    }

    /// Three invocations: it waits for an hour after the first step, and for a person after the second.
    func research() -> Workflow {
        let diary = diary
        return Workflow(name: "research") { (input: Topic, session) in
            let sources = try await session.step("fetch") {
                diary.note("fetch")
                return ["one", "two"]
            }
            try await session.wait("for late answers", for: .seconds(3600))
            let notes = try await session.step("analyse") {
                diary.note("analyse")
                return sources.count
            }
            let title = try await session.waitForSignal("title", as: String.self)
            return try await session.step("report") {
                diary.note("report")
                return Report(title: "\(title): \(input.topic)", sources: notes)
            }
        }
    }

    func send(
        _ event: JSONValue, to workflow: Workflow, deadline: ContinuousClock.Instant? = nil
    ) async throws -> Outcome {
        let request = try AgentRequest(event: event, defaultID: "none")
        return try await AgentRuntime(workflow.agent, store: store).respond(to: request, deadline: deadline).outcome
    }

    @Test func `one function spans three invocations, and each step is done once`() async throws {
        let start: JSONValue = ["session": "a", "id": "1", "input": ["topic": "tides"]]
        let due = diary.now + 3_600_000
        #expect(try await send(start, to: research()) == .suspended(until: due))
        #expect(diary.done == ["fetch"])
        #expect(try await send(start, to: research()) == .suspended(until: due))
        diary.pass(.seconds(3600))
        #expect(try await send(start, to: research()) == .suspended(until: nil))
        #expect(diary.done == ["fetch", "analyse"])
        let signal: JSONValue = ["session": "a", "id": "2", "signal": ["name": "title", "value": "On"]]
        let report = Outcome.completed(reply: #"{"title":"On: tides","sources":2}"#)
        #expect(try await send(signal, to: research()) == report)
        #expect(diary.done == ["fetch", "analyse", "report"])
        // Whoever asks again, for the start or for the signal, gets the same answer, and nothing runs.
        #expect(try await send(start, to: research()) == report)
        #expect(try await send(signal, to: research()) == report)
        #expect(diary.done.count == 3)
    }

    @Test func `another input is refused while one is worked on, and taken afterwards`() async throws {
        let start: JSONValue = ["session": "a", "id": "1", "input": ["topic": "tides"]]
        let other: JSONValue = ["session": "a", "id": "2", "input": ["topic": "winds"]]
        _ = try await send(start, to: research())
        let error = await #expect(throws: AgentError.self) { try await send(other, to: research()) }
        #expect(error?.code == .workflowRunning)
        #expect(error?.code.httpStatus == 409)
        #expect(try await send(["session": "a", "id": "3", "cancel": true], to: research()) == .cancelled)
        #expect(try await send(other, to: research()) == .suspended(until: diary.now + 3_600_000))
        #expect(diary.done == ["fetch", "fetch"])
    }

    @Test func `a function that throws fails its turn, and the session goes on`() async throws {
        let diary = diary
        let workflow = Workflow(name: "fragile") { (input: Topic, session) in
            try await session.step("fetch") {
                diary.note(input.topic)
                if input.topic == "tides" { throw Unreachable() }
                return input.topic
            }
        }
        let start: JSONValue = ["session": "a", "id": "1", "input": ["topic": "tides"]]
        #expect(try await send(start, to: workflow) == .failed(reason: "the library is closed"))
        #expect(try await send(start, to: workflow) == .failed(reason: "the library is closed"))
        #expect(diary.done == ["tides"])
        let next: JSONValue = ["session": "a", "id": "2", "input": ["topic": "winds"]]
        #expect(try await send(next, to: workflow) == .completed(reply: "winds"))
        let wrong: JSONValue = ["session": "a", "id": "3", "input": ["subject": "winds"]]
        guard case .failed(let reason) = try await send(wrong, to: workflow) else { throw Unreachable() }
        #expect(reason.hasPrefix("the input does not fit the workflow:"))
    }

    @Test func `a step is repeated as its retries say, and is one step`() async throws {
        let diary = diary
        let workflow = Workflow(name: "patient") { (input: String, session) in
            try await session.step("fetch", retries: .exponential(attempts: 3, base: .milliseconds(1))) {
                guard diary.note("fetch") == 3 else { throw Unreachable() }
                return "fetched \(input)"
            }
        }
        let start: JSONValue = ["session": "a", "id": "1", "message": "42"]
        #expect(try await send(start, to: workflow) == .completed(reply: "fetched 42"))
        #expect(diary.done.count == 3)
    }

    /// A value that was written and not synced may be there, and the charge with it, or not: the next run finds out.
    @Test(arguments: [(FileOperation.logWrite, 2), (.logSync, 1)])
    func `what undoes a step in a step does not undo it because its value could not be recorded`(
        failing operation: FileOperation, charges: Int
    ) async throws {
        let (diary, root) = (diary, store.root)
        let workflow = Workflow(name: "careful") { (_: String, session) in
            do {
                return try await session.step("charge") {
                    let count = diary.note("charge \(session.idempotencyKey(forStep: "charge"))")
                    var plan = FaultPlan(.fail(5), at: operation)
                    plan.folder = root
                    if count == 1 { plan.set() }
                    return "charged"
                }
            } catch {
                FaultPlan.clear()
                return try await session.step("refund") {
                    diary.note("refund")
                    return "refunded"
                }
            }
        }
        let start: JSONValue = ["session": "a", "id": "1", "input": "go"]
        let error = await #expect(throws: AgentError.self) { try await send(start, to: workflow) }
        #expect(error?.code == .storageFailed)
        #expect(try await send(start, to: workflow) == .completed(reply: "charged"))
        #expect(diary.done.count == charges && Set(diary.done).count == 1)
    }

    @Test func `steps run in parallel, and one that was interrupted is the only one to run again`() async throws {
        let diary = diary
        let workflow = Workflow(name: "parallel") { (input: String, session) in
            async let left = session.step("left") { diary.note("left") }
            async let right = session.step("right") {
                if diary.note("right") == 1 { try await Task.sleep(for: .seconds(3600)) }
                return 10
            }
            let first = try await left
            diary.note("left is durable")
            return try await first + right
        }
        let start: JSONValue = ["session": "a", "id": "1", "input": "go"]
        let task = Task { try await send(start, to: workflow) }
        try await eventually { diary.done.count == 3 }
        task.cancel()
        await #expect(throws: AgentError.self) { try await task.value }
        #expect(try await send(start, to: workflow) == .completed(reply: "11"))
        #expect(diary.done.sorted() == ["left", "left is durable", "left is durable", "right", "right"])
    }

    @Test func `parallel waits begin together, and what is made of a wait's error changes nothing`() async throws {
        let diary = diary
        let workflow = Workflow(name: "waiting") { (input: String, session) in
            do {
                async let long: Void = session.wait("long", for: .seconds(20))
                async let short: Void = session.wait("short", for: .seconds(10))
                _ = try await (short, long)
            } catch {
                try await session.step("undo") { diary.note("undo") }
                throw Unreachable()
            }
            return input
        }
        let start: JSONValue = ["session": "a", "id": "1", "input": "go"]
        let begin = diary.now
        #expect(try await send(start, to: workflow) == .suspended(until: begin + 10_000))
        diary.pass(.seconds(10))
        #expect(try await send(start, to: workflow) == .suspended(until: begin + 20_000))
        diary.pass(.seconds(10))
        #expect(try await send(start, to: workflow) == .completed(reply: "go"))
        #expect(diary.done == [])
    }

    @Test func `a workflow can have itself begun again`() async throws {
        let diary = diary
        let wakes = Wakes(
            invoke: { event in diary.note(event.description) },
            schedule: { _, _, event in diary.note(event.description) })
        let workflow = Workflow(name: "daily") { (input: Topic, session) in
            let time = try await session.step("time") { diary.now }
            if input.topic == "monday" {
                try await session.schedule("tomorrow", at: time + 86_400_000, input: Topic(topic: "tuesday"))
            }
            return input.topic
        }
        let runtime = try AgentRuntime(workflow.agent, store: store, wakes: wakes)
        let start: JSONValue = ["session": "a", "id": "1", "input": ["topic": "monday"]]
        let first = try await runtime.respond(to: AgentRequest(event: start, defaultID: ""))
        #expect(first.outcome == .completed(reply: "monday"))
        let wake = try JSONValue(parsing: #require(diary.done.last).utf8)
        diary.pass(.seconds(86_400))
        let second = try await runtime.respond(to: AgentRequest(event: wake, defaultID: ""))
        #expect(second.outcome == .completed(reply: "tuesday"))
        let third = try await runtime.respond(to: AgentRequest(event: wake, defaultID: ""))
        #expect(third.outcome == .completed(reply: "tuesday"))
    }

    @Test func `a run that was interrupted over and over goes on as long as each run gets further`() async throws {
        let diary = diary
        let workflow = Workflow(name: "long") { (pages: Int, session) in
            for page in 1...pages {
                try await session.step("page \(page)") {
                    if diary.note("page \(page)") == 1 { try await Task.sleep(for: .seconds(3600)) }
                    return page
                }
            }
            return pages
        }
        let start: JSONValue = ["session": "a", "id": "1", "input": 8]
        for page in 1...8 {
            let task = Task { try await send(start, to: workflow) }
            try await eventually { diary.done.last == "page \(page)" }
            task.cancel()
            await #expect(throws: AgentError.self) { try await task.value }
        }
        #expect(try await send(start, to: workflow) == .completed(reply: "8"))
        #expect(diary.done.count == 16)
    }
}
