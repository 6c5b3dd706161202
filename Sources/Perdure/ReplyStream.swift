// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import Synchronization

/// A turn as server-sent events, on their way to its one reader.
///
/// The reader never holds up the turn: a text that it does not take in time is left out, from there to the end of the
/// step, and it has the whole reply in the last event.
final class ReplyStream: Sendable {
    /// What the answer of a function, or of an integration, is said to be.
    static let contentType = "text/event-stream"

    private struct State {
        var hasBegun = false
        /// The step whose text is not shown any more.
        var lostStep: Int?
    }

    private let writer: ResponseWriter
    private let prelude: HTTPResponsePrelude?
    private let state = Mutex(State())

    /// - Parameter hasPrelude: Whether an HTTP integration reads it first.
    init(_ writer: ResponseWriter, hasPrelude: Bool) {
        self.writer = writer
        let headers = ["content-type": Self.contentType, "cache-control": "no-cache"]
        prelude = hasPrelude ? HTTPResponsePrelude(statusCode: 200, headers: headers) : nil
    }

    /// Whether anything was written: then a failure can only be told in the stream.
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// Shows what there is to see of the turn. Called by one task at a time.
    func show(_ progress: TurnProgress) {
        switch progress {
        case .text("", _): break
        case .text(let text, let step):
            guard state.withLock({ $0.lostStep != step }) else { return }
            // A gap would read as if the model had said so: what is shown of a step is always its beginning.
            if !offer("text", ["step": .init(step), "text": .init(text)]) { state.withLock { $0.lostStep = step } }
        case .tools(let names):
            _ = offer("tools", ["tools": .array(names.map { .init($0) })])
        }
    }

    /// Sends the last event of a turn that ended, and waits for as long as the reader is behind.
    func finish(_ response: AgentResponse) async throws(RuntimeError) {
        try await write("done", response.json)
    }

    /// Sends the last event of a turn that failed.
    func fail(_ error: AgentError) async throws(RuntimeError) {
        try await write("error", error.json)
    }

    private func offer(_ type: String, _ data: JSONValue) -> Bool {
        if begins(), let prelude { writer.offer(prelude) }
        return writer.offer(Self.event(type, data))
    }

    private func write(_ type: String, _ data: JSONValue) async throws(RuntimeError) {
        if begins(), let prelude { try await writer.write(prelude) }
        try await writer.write(Self.event(type, data))
    }

    /// True the first time.
    private func begins() -> Bool {
        state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
    }

    /// One event. JSON has no line breaks of its own, so the data are one line.
    private static func event(_ type: String, _ data: JSONValue) -> [UInt8] {
        Array("event: \(type)\ndata: \(data)\n\n".utf8)
    }
}
