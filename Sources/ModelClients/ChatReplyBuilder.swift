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

    private struct PartialCall {
        var index: Int?
        var id = ""
        var name = ""
        var arguments = ""
    }

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
        if let reason = choice["finish_reason"]?.string { finishReason = reason }
        let delta = choice["delta"] ?? choice["message"] ?? [:]
        for part in delta["tool_calls"]?.array ?? [] { add(call: part) }
        let piece = delta["content"]?.string ?? ""
        text += piece
        return piece
    }

    private mutating func add(call part: JSONValue) {
        let index = part["index"]?.int
        let id = part["id"]?.string ?? ""
        let function = part["function"] ?? [:]
        let name = function["name"]?.string ?? ""
        let place = calls.lastIndex { call in
            guard call.index == index else { return false }
            if index == nil, id.isEmpty, !name.isEmpty { return false }
            return id.isEmpty || call.id.isEmpty || call.id == id
        }
        var call = place.map { calls[$0] } ?? PartialCall(index: index)
        if call.id.isEmpty { call.id = id }
        if call.name.isEmpty { call.name = name }
        if let arguments = function["arguments"] {
            // Some servers send an object in place of its text.
            call.arguments += arguments.string ?? (arguments.isNull ? "" : arguments.description)
        }
        if let place { calls[place] = call } else { calls.append(call) }
    }

    /// The reply; throws when the stream ended before the model did.
    func finished() throws(ModelError) -> ModelReply {
        guard let finishReason else {
            throw ModelError(.invalidResponse, "the answer ended in the middle", isRetryable: true)
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
