// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A message as a model's API would give it.
struct Message: Codable, Equatable {
    struct ToolCall: Codable, Equatable {
        let id: String
        let name: String
        let arguments: [Argument]
    }

    struct Argument: Codable, Equatable {
        let name: String
        let value: String
        let weight: Double
    }

    struct Usage: Codable, Equatable {
        let inputTokens: Int
        let outputTokens: Int
        let cost: Double
        let cachedTokens: Int?
    }

    enum Role: String, Codable {
        case system, user, assistant, tool
    }

    let id: String
    let role: Role
    let content: String
    let createdAt: Int
    let temperature: Double
    let name: String?
    let finishReason: String?
    let isFinal: Bool
    let tags: [String]
    let scores: [Double]
    let toolCalls: [ToolCall]
    let usage: Usage?
}

extension Message {
    /// A conversation of about `bytes` bytes of JSON, always the same one.
    static func conversation(bytes: Int) -> [Message] {
        (0..<bytes / 535).map { message(at: $0) }
    }

    private static func message(at index: Int) -> Message {
        let sentence = "Please check order \(index * 7919 % 100_000) and tell me when the parcel will arrive.\n"
        let quoted = "She said \"next week\", but the café on Señor Street closes at 18:00 \u{2013} could you confirm? "
        return Message(
            id: "msg_\(String(index * 2_654_435_761 % 4_294_967_296, radix: 16))_\(index)",
            role: [.user, .assistant, .tool, .assistant][index % 4],
            content: index.isMultiple(of: 3) ? sentence + quoted + sentence : sentence + sentence,
            createdAt: 1_700_000_000 + index * 61,
            temperature: Double(index % 11) / 10,
            name: index.isMultiple(of: 5) ? "customer" : nil,
            finishReason: index.isMultiple(of: 2) ? "tool_use" : nil,
            isFinal: index.isMultiple(of: 7),
            tags: ["orders", "priority-\(index % 5)", "europe-west"],
            scores: (0..<4).map { Double((index + $0) * 37 % 10_000) / 10_000 },
            toolCalls: index.isMultiple(of: 2) ? [call(at: index)] : [],
            usage: index.isMultiple(of: 4) ? nil : usage(at: index)
        )
    }

    private static func call(at index: Int) -> ToolCall {
        ToolCall(
            id: "call_\(index)_abcdefghijklmnop",
            name: "look_up_order",
            arguments: [
                Argument(name: "order", value: "\(index * 7919 % 100_000)", weight: 1.5),
                Argument(name: "with_history", value: "true", weight: 0.25),
            ]
        )
    }

    private static func usage(at index: Int) -> Usage {
        Usage(
            inputTokens: 1_000 + index % 700,
            outputTokens: index % 250,
            cost: Double(index % 977) / 8192,
            cachedTokens: index.isMultiple(of: 3) ? 512 : nil
        )
    }
}
