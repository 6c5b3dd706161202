// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Foundation
import JSONCore
import LambdaRuntimeAPI
import ModelClients
import Perdure
import PerdureTesting
import SessionStore
import Synchronization
import Testing

/// An agent on a folder of its own, which looks after each turn for what the turn must not leave behind.
final class Bench: Sendable {
    /// How much later than its deadline a turn may end on a busy machine. What it would wait for takes longer.
    static let lateness = Duration.seconds(10)

    let root: TemporaryRoot
    let store: SessionStore
    /// A server ends when nobody holds on to it.
    private let servers = Mutex<[ScriptedModelServer]>([])

    init() throws {
        root = try TemporaryRoot()
        store = try SessionStore(root: root.path)
    }

    func runtime(_ server: ScriptedModelServer, tools: [any Tool] = []) throws -> AgentRuntime {
        servers.withLock { $0.append(server) }
        return try runtime(OpenAICompatibleModel(baseURL: server.url, model: "scripted"), tools: tools)
    }

    func runtime(_ model: some LanguageModel, tools: [any Tool] = []) throws -> AgentRuntime {
        let agent = Agent(name: "support", instructions: "You help.", model: model) { for tool in tools { tool } }
        return try AgentRuntime(agent, store: store)
    }

    /// Runs a turn of session `a`.
    func ask(
        _ runtime: AgentRuntime,
        _ text: String = "Hello",
        id: String = "1",
        within time: Duration? = nil
    ) async throws -> Result<Outcome, AgentError> {
        let request = AgentRequest(session: "a", id: id, content: .message(text))
        let deadline = time.map { ContinuousClock.now.advanced(by: $0) }
        let result: Result<Outcome, AgentError>
        do throws(AgentError) {
            result = .success(try await runtime.respond(to: request, deadline: deadline).outcome)
        } catch {
            result = .failure(error)
        }
        if let deadline { #expect(ContinuousClock.now < deadline + Self.lateness) }
        #expect(try leftovers() == [])
        return result
    }

    /// Runs a turn of session `a` until the condition holds, and cancels it then, as its deadline would.
    func interrupt(_ runtime: AgentRuntime, when condition: @Sendable () -> Bool) async throws {
        let task = Task { try await ask(runtime) }
        try await eventually(condition)
        task.cancel()
        #expect(try await task.value.errorCode == .deadlineExceeded)
    }

    /// The log of session `a`.
    func log() throws -> [Entry] {
        let session = try store.leaseExisting(SessionID("a"), of: AgentName("support"), until: .now)
        let entries = try session.entries()
        try session.release()
        return entries
    }

    /// The files below the root.
    func files() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: root.path) }

    /// What a frozen sandbox must not hold: locks of files below the root, and open descriptors but for those that the store
    /// keeps, which it closes.
    func leftovers() throws -> [String] {
        #if os(Linux)
        let manager = FileManager.default
        let inodes = try files().compactMap { name in
            try manager.attributesOfItem(atPath: "\(root.path)/\(name)")[.systemFileNumber] as? Int
        }
        let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
        let held = locks.filter { line in inodes.contains { line.contains(":\($0) ") } }.map { "locked: \($0)" }
        // Afterwards, as a close drops locks.
        store.closeWarmSessions()
        let descriptors = try manager.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { number in
            // One that was closed meanwhile is none.
            try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        }
        let open = descriptors.filter { $0.hasPrefix(root.path) }.map { "open: \($0)" }
        return open + held
        #else
        return []
        #endif
    }
}

extension Result where Failure == AgentError {
    var errorCode: AgentError.Code? { if case .failure(let error) = self { error.code } else { nil } }
}

extension ScriptedModelServer {
    /// Role and content of each message of a request.
    func messages(_ number: Int) throws -> [String] {
        try #require(requests[number]["messages"]?.array).map {
            "\($0["role"]?.string ?? ""): \($0["content"]?.string ?? "")"
        }
    }
}

/// An invocation with a minute left.
func context(id: String = "invocation") -> InvocationContext {
    InvocationContext(requestID: id, deadline: Deadline(millisecondsSinceEpoch: wallClock() + 60_000))
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A request as API Gateway and function URLs hand it over.
func httpEvent(body: String?, isBase64: Bool = false) -> [UInt8] {
    var event: JSONObject = [
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "",
        "headers": ["content-type": "application/json"],
        "requestContext": ["http": ["method": "POST", "path": "/"], "requestId": "r", "stage": "$default"],
        "isBase64Encoded": .init(isBase64),
    ]
    if let body { event["body"] = .init(body) }
    return JSONValue.object(event).bytes()
}

/// Waits until a condition holds, up to half a minute.
func eventually(_ condition: @Sendable () -> Bool) async throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(30))
    while !condition() {
        try #require(ContinuousClock.now < limit, "the condition never came to hold")
        try await Task.sleep(for: .milliseconds(5))
    }
}
