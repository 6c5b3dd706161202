// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure

/// One session as a conversation on a terminal.
struct Conversation: Sendable {
    let client: InvokeClient
    let session: String

    /// Reads lines from standard input and prints the replies, until the end of the input.
    func run() async throws {
        say("Session \(session). Ctrl-D ends it; what was said is kept.\n")
        // What was said last and not answered: the same request again, with the same id, goes on where it ended.
        var unanswered: JSONObject?
        while let line = await readLine(prompt: "you> ") {
            let text = line.trimmingCharacters(in: .whitespaces)
            guard let request = text.isEmpty ? unanswered : newRequest(["message": .init(text)]) else { continue }
            do {
                print("agent> \(try await reply(to: request).printable)")
                unanswered = nil
            } catch let failure as InvokeClient.Failure {
                unanswered = request
                say("\(failure.description.printable)\nNothing is lost: an empty line tries again.\n")
            }
        }
        say("\n")
    }

    /// Sends a message, asks the person for the decisions that the agent needs, and returns its reply.
    func reply(to message: String) async throws -> String {
        try await reply(to: newRequest(["message": .init(message)]))
    }

    private func reply(to request: JSONObject) async throws -> String {
        var answer = try await send(request)
        while answer["status"]?.string == "awaiting" {
            var decisions: [JSONValue] = []
            for approval in answer["approvals"]?.array ?? [] {
                decisions.append(await decide(approval))
            }
            answer = try await send(newRequest(["decisions": .array(decisions)]))
        }
        if let reason = answer["reason"]?.string { throw InvokeClient.Failure(type: "Failed", message: reason) }
        return answer["reply"]?.string ?? answer.description
    }

    private func newRequest(_ fields: JSONObject) -> JSONObject {
        var request = fields
        request["session"] = .init(session)
        request["id"] = .init(UUID().uuidString)
        return request
    }

    private func send(_ request: JSONObject) async throws -> JSONValue {
        try await withProgress { try await client.invoke(.object(request)) }
    }

    /// Asks whether a tool call may run. Without a terminal to ask at, the answer is no.
    private func decide(_ approval: JSONValue) async -> JSONValue {
        let call = approval["call"]?.string ?? ""
        let tool = approval["tool"]?.string ?? ""
        let arguments = approval["arguments"]?.string ?? ""
        let reason = approval["reason"]?.string ?? ""
        say("The agent wants to call \("\(tool)(\(arguments)): \(reason)".printable)\n")
        let answer = await readLine(prompt: "Allow it? [y/N] ") ?? ""
        let isApproved = ["y", "yes"].contains(answer.lowercased())
        return ["call": .init(call), "approve": .bool(isApproved)]
    }

    /// Shows that something is going on, on standard error and only if that is a terminal.
    private func withProgress(_ operation: @Sendable @escaping () async throws -> JSONValue) async throws -> JSONValue {
        guard isatty(STDERR_FILENO) == 1 else { return try await operation() }
        return try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                while (try? await Task.sleep(for: .milliseconds(400))) != nil { say(".") }
                return nil
            }
            defer { say("\r\u{1B}[K") }
            let answer = try await group.next() ?? nil
            group.cancelAll()
            return answer ?? .null
        }
    }

    /// Reads a line, on a thread that may block.
    private func readLine(prompt: String) async -> String? {
        say(prompt)
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Swift.readLine()) }
        }
    }
}

/// Writes to standard error, where everything goes that is not a reply.
private func say(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
}
