// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import Synchronization

/// A turn as server-sent events, on their way to its one reader.
///
/// The reader never holds up a turn that runs here: a text that it does not take in time is left out, from there to the end
/// of the step, and it has the whole reply in the last event. A turn that is only followed waits for the reader.
final class ReplyStream: Sendable {
    /// What the answer of a function, or of an integration, is said to be.
    static let contentType = "text/event-stream"

    private struct State {
        var trail: EventTrail
        var hasBegun = false
        /// The step whose text is not shown any more.
        var lostStep: Int?
    }

    private let writer: ResponseWriter
    private let prelude: HTTPResponsePrelude?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - hasPrelude: Whether an HTTP integration reads it first.
    ///   - cursor: What the reader has.
    init(_ writer: ResponseWriter, hasPrelude: Bool, after cursor: EventCursor? = nil) {
        self.writer = writer
        let headers = ["content-type": Self.contentType, "cache-control": "no-cache"]
        prelude = hasPrelude ? HTTPResponsePrelude(statusCode: 200, headers: headers) : nil
        state = Mutex(State(trail: EventTrail(after: cursor)))
    }

    /// Whether anything was written: then a failure can only be told in the stream.
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// What is shown from here on is told from the turn's beginning.
    func beginAgain() { state.withLock { $0.trail.beginAgain() } }

    /// Shows what there is to see of the turn, as far as there is room. Called by one task at a time.
    func show(_ progress: TurnProgress) {
        for event in state.withLock({ $0.trail.take(progress) }) {
            let step = event.textStep
            if let step, state.withLock({ $0.lostStep == step }) { continue }
            // A gap would read as if the model had said so: what is shown of a step is always its beginning.
            if !offer(event), let step { state.withLock { $0.lostStep = step } }
        }
    }

    /// Shows what there is to see of a turn that runs elsewhere or has ended, and waits for as long as the reader is behind.
    func follow(_ progress: TurnProgress) async throws(RuntimeError) {
        for event in state.withLock({ $0.trail.take(progress) }) { try await write(Self.bytes(event)) }
    }

    /// Sends the last event of a turn that ended, and waits for as long as the reader is behind.
    func finish(_ response: AgentResponse) async throws(RuntimeError) {
        for event in state.withLock({ $0.trail.end() }) { try await write(Self.bytes(event)) }
        try await write(Self.event("done", response.json))
    }

    /// Sends the last event of a turn that failed.
    func fail(_ error: AgentError) async throws(RuntimeError) {
        try await write(Self.event("error", error.json))
    }

    private func offer(_ event: EventTrail.Event) -> Bool {
        if begins(), let prelude { writer.offer(prelude) }
        return writer.offer(Self.bytes(event))
    }

    private func write(_ bytes: [UInt8]) async throws(RuntimeError) {
        if begins(), let prelude { try await writer.write(prelude) }
        try await writer.write(bytes)
    }

    /// True the first time.
    private func begins() -> Bool {
        state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
    }

    private static func bytes(_ event: EventTrail.Event) -> [UInt8] {
        switch event {
        case .text(let text, let step, let cursor):
            Self.event("text", id: cursor, ["step": .init(step), "text": .init(text)])
        case .tools(let names, let cursor):
            Self.event("tools", id: cursor, ["tools": .array(names.map { .init($0) })])
        case .restart(let step, let cursor):
            Self.event("restart", id: cursor, ["step": .init(step)])
        }
    }

    /// One event. JSON has no line breaks of its own, so the data are one line.
    private static func event(_ type: String, id: EventCursor? = nil, _ data: JSONValue) -> [UInt8] {
        Array("event: \(type)\n\(id.map { "id: \($0)\n" } ?? "")data: \(data)\n\n".utf8)
    }
}

extension EventTrail.Event {
    /// The step whose shown text it changes.
    fileprivate var textStep: Int? {
        switch self {
        case .text(_, let step, _), .restart(let step, _): step
        case .tools: nil
        }
    }
}
