// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Clients of a real bootstrap that lose their connection, or their function, and come back with the last event's id.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ReconnectionTests {
    static let request: JSONValue = ["session": "s", "message": "Go.", "id": "request-1", "stream": true]

    static func after(_ cursor: String, repeating isRepeated: Bool = false) -> JSONValue {
        var event: JSONObject = ["session": "s", "id": "request-1", "after": .init(cursor)]
        if isRepeated { event["message"] = "Go." }
        return .object(event)
    }

    /// Two sandboxes, and a model that says the rest of each of its texts when the gate is opened.
    private func run(
        _ environment: [String: String] = [:], texts: [[String]],
        _ body: @Sendable (Deployment, _ gate: DispatchSemaphore) async throws -> Void
    ) async throws {
        let gate = DispatchSemaphore(value: 0)
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, _ in
            .pieces(texts[min(number, texts.count - 1)]) { if $0 == 1 { _ = gate.wait(timeout: .now() + 60) } }
        }
        let variables = environment.merging(["STREAMS": "1"]) { $1 }
        try await Deployment.run(environment: variables, concurrency: 2, answer: answer) { try await body($0, gate) }
    }

    @Test(arguments: [false, true])
    func `a client that was cut off sees the rest from another sandbox while the turn runs`(isRepeated: Bool)
        async throws
    {
        try await run(texts: [["Half. ", "Whole."]]) { deployment, gate in
            let first = Mutex(Client())
            _ = try await deployment.stream(Self.request) { piece in
                first.withLock { $0.read(piece) }
                return first.withLock(\.text.isEmpty)
            }
            let last = first.withLock(\.cursor)
            let cursor = try #require(last)
            #expect(first.withLock(\.text) == "Half. ")
            // As it would to a client that asks for all of it: the other sandbox tells what was said before, too.
            let late = Mutex(Client())
            _ = try await deployment.stream(Self.after("", repeating: isRepeated)) { piece in
                late.withLock { $0.read(piece) }
                return late.withLock(\.text.isEmpty)
            }
            #expect(late.withLock(\.text) == "Half. ")
            #expect(await deployment.emulator.sandboxProcessIDs.count == 2)
            gate.signal()
            _ = try await deployment.stream(Self.after(cursor, repeating: isRepeated)) { piece in
                first.withLock { $0.read(piece) }
                return true
            }
            first.withLock { client in
                #expect(client.text == "Half. Whole.")
                #expect(client.reply == "Half. Whole." && client.restarts == 0)
            }
            #expect(deployment.model.requests.count == 1)
            #expect(try deployment.query("SELECT kind FROM log ORDER BY seq") == "input\nreply")
            #expect(deployment.live.isEmpty)
        }
    }

    @Test func `a reply that is written anew after a SIGKILL is announced as another`() async throws {
        try await run(texts: [["Half. ", "Whole."], ["Another ", "one."]]) { deployment, gate in
            let client = Mutex(Client())
            async let first = deployment.stream(Self.request) { piece in
                client.withLock { $0.read(piece) }
                return true
            }
            let limit = ContinuousClock.now.advanced(by: .seconds(30))
            while client.withLock(\.text.isEmpty) || deployment.live.isEmpty {
                try #require(ContinuousClock.now < limit)
                try await Task.sleep(for: .milliseconds(5))
            }
            kill(try #require(await deployment.emulator.sandboxProcessIDs.first), SIGKILL)
            _ = try? await first
            gate.signal()
            gate.signal()
            let last = client.withLock(\.cursor)
            let cursor = try #require(last)
            // What was left of the turn is passed over and replaced.
            #expect(deployment.live.count == 1)
            _ = try await deployment.stream(Self.after(cursor, repeating: true)) { piece in
                client.withLock { $0.read(piece) }
                return true
            }
            client.withLock { client in
                #expect(client.restarts == 1)
                #expect(client.text == "Another one." && client.reply == "Another one.")
            }
            #expect(deployment.live.isEmpty)
        }
    }
}

extension Deployment {
    /// The files that tell others what is being said.
    fileprivate var live: [String] {
        let files = FileManager.default.enumerator(atPath: root.appendingPathComponent("mnt").path)
        return files?.compactMap { $0 as? String }.filter { $0.hasSuffix("-live") } ?? []
    }
}

/// What a client has put together.
private struct Client {
    private var decoder = ServerSentEventDecoder()
    private(set) var text = ""
    private(set) var cursor: String?
    private(set) var restarts = 0
    private(set) var reply: String?

    mutating func read(_ piece: String) {
        for event in (try? decoder.decode(Array(piece.utf8))) ?? [] {
            let data = try? JSONValue(parsing: event.data.utf8)
            switch event.type {
            case "text": text += data?["text"]?.string ?? ""
            case "restart": (text, restarts) = ("", restarts + 1)
            case "done": reply = data?["reply"]?.string
            default: break
            }
            if !event.lastEventID.isEmpty { cursor = event.lastEventID }
        }
    }
}
