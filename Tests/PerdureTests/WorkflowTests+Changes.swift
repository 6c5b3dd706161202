// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureTesting
import Testing

/// Functions that are not what they were when their run began.
extension WorkflowTests {
    private static let start: JSONValue = ["session": "a", "id": "1", "input": "go"]

    /// Waits for an hour between two halves of its steps, and says what each came to.
    private func halves(_ first: [String], _ second: [String]) -> Workflow {
        let diary = diary
        return Workflow(name: "changing") { (_: String, session) in
            var values: [String] = []
            for name in first { values.append(try await session.step(name) { "\(name) \(diary.note(name))" }) }
            try await session.wait("an hour", for: .seconds(3600))
            for name in second { values.append(try await session.step(name) { "\(name) \(diary.note(name))" }) }
            return values.joined(separator: ", ")
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var first: [String]
        var second: [String]
        /// What the run of `["a", "b"]` and `["c"]` comes to that goes on with these.
        var reply: String
    }
    static let changes = [
        Change(testDescription: "nothing", first: ["a", "b"], second: ["c"], reply: "a 1, b 1, c 1"),
        Change(testDescription: "one is gone", first: ["b"], second: ["c"], reply: "b 1, c 1"),
        Change(testDescription: "another order", first: ["b", "a"], second: ["c"], reply: "b 1, a 1, c 1"),
        Change(testDescription: "one is new", first: ["a", "n", "b"], second: ["c"], reply: "a 1, n 1, b 1, c 1"),
        Change(testDescription: "another name", first: ["x", "b"], second: ["c"], reply: "x 1, b 1, c 1"),
        Change(testDescription: "behind the wait now", first: [], second: ["a", "b", "c"], reply: "a 1, b 1, c 1"),
    ]

    @Test(arguments: changes) func `a newer function goes on with what the older one did`(change: Change) async throws {
        _ = try await send(Self.start, to: halves(["a", "b"], ["c"]))
        #expect(diary.done == ["a", "b"])
        diary.pass(.seconds(3600))
        #expect(try await send(Self.start, to: halves(change.first, change.second)) == .completed(reply: change.reply))
    }

    @Test func `a wait that a newer function does not have is not waited for`() async throws {
        _ = try await send(Self.start, to: halves(["a"], ["c"]))
        diary.pass(.seconds(3600))
        let workflow = Workflow(name: "changing") { (_: String, session) in
            try await session.step("c") { "at once" }
        }
        #expect(try await send(Self.start, to: workflow) == .completed(reply: "at once"))
    }

    @Test func `a value that is of another type now fails the run`() async throws {
        _ = try await send(Self.start, to: halves(["a"], ["c"]))
        diary.pass(.seconds(3600))
        let workflow = Workflow(name: "changing") { (_: String, session) in try await session.step("a") { 1 } }
        guard case .failed = try await send(Self.start, to: workflow) else { throw Unreachable() }
        #expect(diary.done == ["a"])
    }

    @Test func `one name for two steps fails the run, at the second`() async throws {
        let outcome = try await send(Self.start, to: halves(["a", "a"], []))
        #expect(outcome == .failed(reason: "Two steps of one call have the same name: a"))
        #expect(diary.done == ["a"])
    }

    @Test func `a value of some megabytes is read back as it was`() async throws {
        let workflow = Workflow(name: "large") { (_: String, session) in
            let text = try await session.step("text") { String(repeating: "größer ", count: 500_000) }
            try await session.wait("an hour", for: .seconds(3600))
            return text.utf8.count
        }
        _ = try await send(Self.start, to: workflow)
        diary.pass(.seconds(3600))
        #expect(try await send(Self.start, to: workflow) == .completed(reply: "4500000"))
    }
}
