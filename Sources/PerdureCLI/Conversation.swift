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
            let live = LiveReply()
            do {
                await live.finish(try await reply(to: request, on: live))
                unanswered = nil
            } catch let failure as InvokeClient.Failure {
                await live.endLine()
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

    /// - Parameter live: Shows the text as it is written; nil when only the reply is wanted.
    private func reply(to request: JSONObject, on live: LiveReply? = nil) async throws -> String {
        var answer = try await send(request, showing: live)
        while answer["status"]?.string == "awaiting" {
            await live?.endLine()
            var decisions: [JSONValue] = []
            for approval in answer["approvals"]?.array ?? [] {
                decisions.append(await decide(approval))
            }
            answer = try await send(newRequest(["decisions": .array(decisions)]), showing: live)
        }
        switch answer["status"]?.string {
        case "suspended":
            let until = answer["until"]?.int.map { " until \(timestamp(Int64($0)))" } ?? " for a signal"
            return "(The turn waits\(until).)"
        case "continuing": return "(The turn goes on in another invocation.)"
        case "cancelled": return "(The turn was called off.)"
        default: break
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

    private func send(_ request: JSONObject, showing live: LiveReply?) async throws -> JSONValue {
        let progress = live ?? LiveReply()
        let dots = Task { await progress.showProgress() }
        let answer: Result<JSONValue, any Error>
        do {
            if let live {
                answer = .success(try await client.stream(request) { text, step in await live.add(text, of: step) })
            } else {
                answer = .success(try await client.invoke(.object(request)))
            }
        } catch {
            answer = .failure(error)
        }
        dots.cancel()
        await dots.value
        await progress.clear()
        return try answer.get()
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

    /// Reads a line, on a thread that may block.
    private func readLine(prompt: String) async -> String? {
        say(prompt)
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Swift.readLine()) }
        }
    }
}
