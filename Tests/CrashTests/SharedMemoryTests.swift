// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Testing

/// The memory that an agent's sessions share, in sandboxes that are killed and stopped. Each run of the command would add a
/// line.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SharedMemoryTests {
    /// Has the text of the session's message inserted as the first line.
    static let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
        let last = request["messages"]?.array?.last
        guard last?["role"]?.string == "user", let line = last?["content"]?.string else { return .text("All done.") }
        let insert: JSONValue = [
            "command": "insert", "path": "/memories/log", "insert_line": 0, "insert_text": .init(line),
        ]
        return .toolCalls([.init(name: "memory", arguments: insert.description)])
    }

    static func event(_ name: String) -> JSONValue {
        ["session": .init(name), "message": .init(name), "id": .init("request of \(name)")]
    }

    /// A memory with one line.
    func seed(_ deployment: Deployment) throws {
        let root = deployment.root.appendingPathComponent("mnt").path
        var session = try SessionStore(root: root).lease(
            .sharedMemory, of: AgentName("crash"), attempt: "seed", until: .now)
        try session.change(.write(MemoryPath("log"), text: "seed\n"))
        try session.release()
    }

    /// The lines of the memory, but for the first.
    func lines(_ deployment: Deployment) throws -> [String] {
        let root = deployment.root.appendingPathComponent("mnt").path
        let session = try SessionStore(root: root).leaseExisting(
            .sharedMemory, of: AgentName("crash"), until: .now.advanced(by: .seconds(10)))
        let text = try session.memoryText(at: MemoryPath("log")) ?? ""
        try session.release()
        var lines = text.split(separator: "\n").map(String.init)
        #expect(lines.popLast() == "seed")
        return lines
    }

    @Test func `a line is written once, wherever on its way a sandbox is killed`() async throws {
        /// Whether it was killed, and whether its line was there then.
        func run(killedAt number: Int) async throws -> (isKilled: Bool, isWritten: Bool) {
            let environment = ["FAULT": "kill:\(number)"]
            return try await Deployment.run(environment: environment, answer: Self.answer) { deployment in
                try seed(deployment)
                guard try await deployment.invoke(Self.event("a")).isError else {
                    #expect(try lines(deployment) == ["a"])
                    return (false, true)
                }
                let isWritten = try lines(deployment) == ["a"]
                #expect(try await deployment.invoke(Self.event("a")).answer["reply"]?.string == "All done.")
                #expect(try lines(deployment) == ["a"], "operation \(number)")
                return (true, isWritten)
            }
        }
        var (kills, reruns) = (0, 0)
        while case (true, let isWritten) = try await run(killedAt: kills + 1) {
            kills += 1
            if isWritten { reruns += 1 }
        }
        print("a sandbox was killed at \(kills) operations, \(reruns) of them behind its line")
        // Of an open, a commit and a release; and where the commit was made, the call was answered without another one.
        #expect(kills >= 8 && reruns >= 1, "\(kills) kills, \(reruns) behind the commit")
    }

    @Test func `a line is written once when a sandbox is killed between it and the session's commit`() async throws {
        let environment = ["CRASH_AT": "after the change of the memory"]
        try await Deployment.run(environment: environment, answer: Self.answer) { deployment in
            try seed(deployment)
            #expect(try await deployment.invoke(Self.event("a")).isError)
            #expect(try lines(deployment) == ["a"])
            // Another session's comes in between.
            #expect(try await deployment.invoke(Self.event("b")).answer["reply"]?.string == "All done.")
            #expect(try await deployment.invoke(Self.event("a")).answer["reply"]?.string == "All done.")
            #expect(try lines(deployment) == ["b", "a"])
            let told = deployment.model.requests.last?["messages"]?.array?.last?["content"]
            #expect(told == "The file /memories/log has been edited.")
        }
    }

    #if os(Linux)
    /// Whether a process was stopped by a signal.
    func isStopped(_ process: Int32) -> Bool {
        // The state is the first word behind the name, which is in parentheses.
        let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return status.split(separator: ")").last?.hasPrefix(" T") == true
    }

    @Test func `who wants the memory that a stopped sandbox holds waits, and has it when that is killed`() async throws
    {
        let environment = ["FAULT": "stop:8"]
        try await Deployment.run(environment: environment, concurrency: 2, answer: Self.answer) { deployment in
            try seed(deployment)
            async let first = deployment.invoke(Self.event("a"))
            var stopped: Int32?
            while stopped == nil {
                stopped = await deployment.emulator.sandboxProcessIDs.first(where: isStopped)
                try await Task.sleep(for: .milliseconds(5))
            }
            async let second = deployment.invoke(Self.event("b"))
            while deployment.model.answeredCount < 2 { try await Task.sleep(for: .milliseconds(5)) }
            kill(try #require(stopped), SIGKILL)
            #expect(try await second.answer["reply"]?.string == "All done.")
            #expect(try await first.isError)
            #expect(try lines(deployment).contains("b"))
            #expect(try await deployment.invoke(Self.event("a")).answer["reply"]?.string == "All done.")
            #expect(try lines(deployment).sorted() == ["a", "b"])
        }
    }
    #endif
}
