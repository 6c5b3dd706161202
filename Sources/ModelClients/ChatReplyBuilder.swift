// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// Puts the chunks of a streamed chat completion together.
///
/// Servers differ in how they cut tool calls: by an index or without one; with the id and the name once, in every
/// chunk, or everything in one chunk; with several whole calls that all claim index 0.
struct ChatReplyBuilder {
    private var text = ""
    private var calls: [PartialCall] = []
    private var finishReason: String?
    private var usage: TokenUsage?

    /// The most tool calls that one answer may ask for, as with OpenAI's limit on tools.
    private static let maximumCalls = 128

    private struct PartialCall {
        var index: Int?
        var id = ""
        var name = ""
        var arguments = ""

        /// Whether the arguments are whole.
        var isComplete: Bool { (try? JSONValue(parsing: arguments.utf8))?.object != nil }
        /// Whether the arguments begin here.
        var beginsArguments: Bool { arguments.utf8.first { $0 > 0x20 } == UInt8(ascii: "{") }
    }

    /// Whether the model has said why it stopped: whatever follows, the reply is whole.
    var isFinished: Bool { finishReason != nil }

    /// Adds a chunk and returns the text that it brought.
    mutating func add(_ bytes: [UInt8]) throws(ModelError) -> String {
        let chunk: JSONValue
        do {
            chunk = try JSONValue(parsing: bytes)
        } catch {
            throw ModelError(.invalidResponse, "the answer is not JSON (\(error))")
        }
        if let error = chunk["error"], !error.isNull {
            let word = ModelError.word(error["code"]) ?? ModelError.word(error["type"]) ?? ""
            throw ModelError(.unavailable, "the server reported an error in the middle of its answer\(word)")
        }
        if let counts = chunk["usage"], counts.object != nil {
            usage = TokenUsage(
                input: counts["prompt_tokens"]?.int ?? 0,
                output: counts["completion_tokens"]?.int ?? 0,
                cachedInput: counts["prompt_tokens_details"]?["cached_tokens"]?.int ?? 0
            )
        }
        // The last chunk may hold the usage alone.
        guard let choice = chunk["choices"]?[0] else {
            guard chunk["choices"]?.array != nil || usage != nil else {
                throw ModelError(.invalidResponse, "the answer is no chat completion")
            }
            return ""
        }
        if let reason = choice["finish_reason"]?.string, !reason.isEmpty { finishReason = reason }
        let delta = choice["delta"] ?? choice["message"] ?? [:]
        for part in delta["tool_calls"]?.array ?? [] { add(call: part) }
        guard calls.count <= Self.maximumCalls else {
            throw ModelError(.invalidResponse, "the answer has more than \(Self.maximumCalls) tool calls")
        }
        let piece = delta["content"]?.string ?? ""
        text += piece
        return piece
    }

    private mutating func add(call part: JSONValue) {
        let function = part["function"] ?? [:]
        // Some servers send an object in place of its text.
        let arguments = function["arguments"].map { $0.string ?? ($0.isNull ? "" : $0.description) } ?? ""
        let piece = PartialCall(
            index: part["index"]?.int,
            id: part["id"]?.string ?? "",
            name: function["name"]?.string ?? "",
            arguments: arguments
        )
        guard let place = place(of: piece) else {
            calls.append(piece)
            return
        }
        if calls[place].id.isEmpty { calls[place].id = piece.id }
        if calls[place].name.isEmpty { calls[place].name = piece.name }
        calls[place].arguments += piece.arguments
    }

    /// The call that a piece goes on with; nil when it begins one.
    private func place(of piece: PartialCall) -> Int? {
        let known = calls.lastIndex { call in
            !piece.id.isEmpty && call.id == piece.id
                && (piece.index == nil || call.index == nil || call.index == piece.index)
                && (piece.name.isEmpty || call.name.isEmpty || call.name == piece.name)
        }
        if let known { return known }
        let isNameless = piece.id.isEmpty && piece.name.isEmpty
        // Without an index, what names nothing goes on with the newest call.
        guard let place = calls.lastIndex(where: { piece.index == nil || $0.index == piece.index }) else {
            return isNameless && calls.last?.index == nil ? calls.indices.last : nil
        }
        let call = calls[place]
        if isNameless { return place }
        if !piece.id.isEmpty, !call.id.isEmpty { return nil }
        // A name comes once a call, or with each piece: then only the arguments tell whether the call before is over.
        if !piece.name.isEmpty, !call.name.isEmpty {
            guard piece.name == call.name, !(piece.beginsArguments && call.isComplete) else { return nil }
        }
        return place
    }

    /// The reply; throws when the stream ended before the model did.
    mutating func finished() throws(ModelError) -> ModelReply {
        guard let finishReason else {
            throw ModelError(.invalidResponse, "the answer ended in the middle", isRetryable: true)
        }
        // What was cut off may lack arguments: an incomplete call must not run, and there is no telling which is complete.
        if finishReason == "length" || finishReason == "content_filter" { calls = [] }
        // The next request repeats the names, and a provider takes no others.
        guard calls.allSatisfy({ isPlainName($0.name) }) else {
            throw ModelError(.invalidResponse, "a tool call has no usable name", isRetryable: true)
        }
        return ModelReply(
            text: text,
            toolCalls: calls.enumerated().map { position, call in
                ToolCall(
                    id: call.id.isEmpty ? "call_\(position)" : call.id,
                    name: call.name,
                    arguments: call.arguments
                )
            },
            finishReason: finishReason,
            usage: usage
        )
    }
}
