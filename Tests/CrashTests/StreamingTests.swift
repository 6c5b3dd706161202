// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Streamed turns of a real bootstrap, over the Invoke API and the Runtime API.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StreamingTests {
    static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1", "stream": true]
    static let half = "event: text\nid: 1.6.3bd698e2f4b4e81a\ndata: {\"step\":1,\"text\":\"Half. \"}\n\n"
    static let whole = "event: text\nid: 1.12.67b2faff2d8238dd\ndata: {\"step\":1,\"text\":\"Whole.\"}\n\n"
    static let done =
        "event: done\ndata: {\"session\":\"s\",\"id\":\"request-1\",\"status\":\"completed\",\"reply\":\"Half. Whole.\"}\n\n"

    /// A model that says the second half of its text when the gate is opened.
    private func run(
        _ environment: [String: String] = [:],
        _ body: @Sendable (Deployment, _ gate: DispatchSemaphore) async throws -> Void
    ) async throws {
        let gate = DispatchSemaphore(value: 0)
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, _ in
            .pieces(["Half. ", "Whole."]) { if $0 == 1 { _ = gate.wait(timeout: .now() + 60) } }
        }
        let variables = environment.merging(["STREAMS": "1"]) { $1 }
        try await Deployment.run(environment: variables, answer: answer) { try await body($0, gate) }
    }

    @Test func `text arrives while the model has more to say`() async throws {
        try await run { deployment, gate in
            let seen = Mutex("")
            let answer = try await deployment.stream(Self.event) { piece in
                let text = seen.withLock { text in
                    text += piece
                    return text
                }
                // The model goes on only now.
                if text == Self.half { gate.signal() }
                return true
            }
            #expect(answer.contentType == "text/event-stream")
            #expect(seen.withLock(\.self) == Self.half + Self.whole + Self.done)
            #expect(answer.complete == "{}")
            // A caller who does not ask, and one who cannot stream, get the same outcome.
            var plain = Self.event.object ?? [:]
            plain["stream"] = nil
            let whole = try await deployment.invoke(.object(plain))
            #expect(Self.done == "event: done\ndata: \(whole.answer)\n\n")
            #expect(deployment.model.requests.count == 1)
        }
    }

    @Test func `a client that goes away after half of the text loses nothing`() async throws {
        try await run { deployment, gate in
            let first = try await deployment.stream(Self.event) { _ in false }
            #expect(first.complete == nil)
            gate.signal()
            let again = Mutex("")
            _ = try await deployment.stream(Self.event) { piece in
                again.withLock { $0 += piece }
                return true
            }
            #expect(again.withLock(\.self) == Self.done)
            #expect(deployment.model.answeredCount == 1)
            #expect(try deployment.query("SELECT kind FROM log ORDER BY seq") == "input\nreply")
        }
    }

    @Test func `a SIGTERM after half of the text is told, and the same id goes on`() async throws {
        try await run { deployment, gate in
            let process = try #require(try await deployment.warmUp(gate))
            let first = Mutex("")
            let answer = try await deployment.stream(Self.event) { piece in
                let text = first.withLock { text in
                    text += piece
                    return text
                }
                if text == Self.half { kill(process, SIGTERM) }
                return true
            }
            let seen = first.withLock(\.self)
            let failure = "event: error\ndata: {\"error\":{\"type\":\"Function.DeadlineExceeded\","
            #expect(seen.hasPrefix(Self.half + failure) && seen.hasSuffix("}}\n\n"))
            #expect(answer.complete?.contains(#""ErrorCode":"Function.DeadlineExceeded""#) == true)
            // One for the model's answer that nobody takes any more.
            gate.signal()
            gate.signal()
            let second = Mutex("")
            _ = try await deployment.stream(Self.event) { piece in
                second.withLock { $0 += piece }
                return true
            }
            #expect(second.withLock(\.self) == Self.half + Self.whole + Self.done)
        }
    }

    @Test func `a SIGKILL after all of the text and before the commit is an error, and the same id goes on`()
        async throws
    {
        try await run(["CRASH_AT": "before the last answer is stored"]) { deployment, gate in
            let first = Mutex("")
            let answer = try await deployment.stream(Self.event) { piece in
                first.withLock { $0 += piece }
                gate.signal()
                return true
            }
            let seen = first.withLock(\.self)
            #expect(seen.hasPrefix(Self.half) && (Self.half + Self.whole).hasPrefix(seen))
            // The end of the connection may be seen before the end of the process.
            let failures = ["Runtime.ExitError", "Runtime.TruncatedResponse"]
            #expect(failures.contains { answer.complete?.contains("\"ErrorCode\":\"\($0)\"") == true })
            #expect(try deployment.query("SELECT kind FROM log ORDER BY seq") == "input")
            gate.signal()
            let second = Mutex("")
            _ = try await deployment.stream(Self.event) { piece in
                second.withLock { $0 += piece }
                return true
            }
            #expect(second.withLock(\.self) == Self.half + Self.whole + Self.done)
            #expect(try deployment.query("SELECT kind FROM log ORDER BY seq") == "input\nattempt\nreply")
        }
    }
}

extension Deployment {
    /// Has a sandbox started with another session's turn; its process.
    fileprivate func warmUp(_ gate: DispatchSemaphore) async throws -> Int32? {
        gate.signal()
        _ = try await invoke(["session": "warm", "message": "Go."])
        return await emulator.sandboxProcessIDs.first
    }
}
