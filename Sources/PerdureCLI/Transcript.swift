// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure

/// The messages of a session as people and programs read them.
struct Transcript {
    struct Message: CustomStringConvertible {
        let entry: StoredEntry
        let role: String
        let content: String
        var details: JSONObject = [:]

        init(entry: StoredEntry, role: String, content: String, details: JSONObject = [:]) {
            self.entry = entry
            self.role = role
            self.content = content
            self.details = details
        }

        /// Where something is left out of the requests to the model from then on.
        init(cut: Compaction, _ entry: StoredEntry) {
            let parts = [
                cut.dropped > 0 ? "the first \(cut.dropped) messages" : nil,
                cut.kept.isEmpty ? nil : "but for \(cut.kept.count) of the user's",
                cut.clearedResults > cut.dropped ? "what tools returned in the first \(cut.clearedResults)" : nil,
            ]
            let content = "no longer sent: " + parts.compactMap(\.self).joined(separator: ", ")
            self.init(
                entry: entry, role: "cut", content: content + (cut.summary.map { "; in their place:\n\($0)" } ?? ""),
                details: ["dropped": .init(cut.dropped), "results": .init(cut.clearedResults)])
            if let summary = cut.summary { details["summary"] = .init(summary) }
            if let usage = cut.usage {
                details["usage"] = ["input": .init(usage.input), "output": .init(usage.output)]
            }
        }

        /// What somebody decided about a call.
        init(_ verdict: Verdict, _ request: String, _ entry: StoredEntry) {
            let call = (verdict.path + [verdict.position]).name
            let words = [
                "\(call) \(verdict.isApproved ? "approved" : "rejected")", verdict.reason.map { ": \($0)" },
                verdict.arguments.map { ", with \($0)" },
            ]
            self.init(
                entry: entry, role: "decision", content: words.compactMap(\.self).joined(),
                details: ["request": .init(request), "call": .init(call), "approved": .init(verdict.isApproved)])
            if let arguments = verdict.arguments { details["arguments"] = .init(arguments) }
        }

        var json: JSONValue {
            var object: JSONObject = [
                "seq": .init(entry.sequence), "turn": .init(entry.entry.turn), "time": .init(timestamp(entry.time)),
                "role": .init(role), "content": .init(content),
            ]
            for (key, value) in details { object[key] = value }
            return .object(object)
        }

        var description: String {
            var text = "\(timestamp(entry.time))  \(entry.entry.turn)  \(role): \(content)"
            for call in details["tool_calls"]?.array ?? [] {
                text += "\n    calls \(call["tool"]?.string ?? "")(\(call["arguments"]?.string ?? ""))"
            }
            return text
        }
    }

    private(set) var messages: [Message] = []

    /// How the names of steps begin that the package takes by itself, for what is said by entries of other kinds.
    private static let written = ["wait/", "signal/", "schedule/"]

    init(_ entries: [StoredEntry]) {
        var replies = 0
        for stored in entries {
            switch stored.entry.fact {
            case .input(let request, let text):
                messages.append(
                    Message(entry: stored, role: "user", content: text, details: ["request": .init(request)]))
            case .reply(let reply):
                replies += 1
                var message = Message(entry: stored, role: "assistant", content: reply.text)
                if !reply.toolCalls.isEmpty {
                    message.details["tool_calls"] = .array(
                        reply.toolCalls.enumerated().map { index, call in
                            [
                                "call": .init("\(CallPosition(reply: replies, index: index))"),
                                "tool": .init(call.name), "arguments": .init(call.arguments),
                            ]
                        })
                }
                if let usage = reply.usage {
                    message.details["usage"] = ["input": .init(usage.input), "output": .init(usage.output)]
                }
                messages.append(message)
            case .result(let position, let result):
                messages.append(
                    Message(
                        entry: stored,
                        role: "tool",
                        content: result.content,
                        details: ["call": .init(position.description), "status": .init(result.status.rawValue)]
                    ))
            case .refusal(let reason):
                messages.append(Message(entry: stored, role: "error", content: reason))
            case .compaction(let compaction):
                messages.append(Message(cut: compaction, stored))
            case .checkpoint(let label):
                messages.append(Message(entry: stored, role: "checkpoint", content: label))
            case .rewind(let turn):
                messages.append(
                    Message(entry: stored, role: "rewind", content: "to turn \(turn)", details: ["to": .init(turn)]))
            case .cancel(_, let reason):
                messages.append(Message(entry: stored, role: "cancelled", content: reason ?? ""))
            case .park(let reason):
                messages.append(Message(entry: stored, role: "parked", content: reason))
            case .schedule(let message):
                messages.append(
                    Message(
                        entry: stored, role: "schedule", content: message.text,
                        details: ["due": .init(timestamp(message.due)), "id": .init(message.id)]))
            case .approvalRequest(let position, let reason, let expires):
                var message = Message(
                    entry: stored, role: "approval", content: "\(position): \(reason)",
                    details: ["call": .init(position.description)])
                if let expires { message.details["expires"] = .init(timestamp(expires)) }
                messages.append(message)
            case .decision(let request, let verdict):
                messages.append(Message(verdict, request, stored))
            case .step(_, let name, _) where Self.written.contains(where: name.hasPrefix):
                continue
            case .step(let position, let name, let value):
                messages.append(
                    Message(
                        entry: stored, role: "step", content: "\(name) = \(value)",
                        details: ["call": .init(position.description), "name": .init(name), "value": value]))
            case .pause(.waiting(let until)):
                let time = until.map(timestamp)
                messages.append(
                    Message(
                        entry: stored, role: "waiting", content: time.map { "until \($0)" } ?? "for a signal",
                        details: ["until": time.map { .init($0) } ?? .null]))
            case .signal(let request, let name, let value):
                messages.append(
                    Message(
                        entry: stored, role: "signal", content: "\(name) = \(value)",
                        details: ["request": .init(request), "name": .init(name), "value": value]))
            case .claim, .attempt, .pause(.stopped):
                continue
            }
        }
    }
}
