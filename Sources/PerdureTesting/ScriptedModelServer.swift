// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore
import Perdure
import Synchronization

/// A language model that says what a test wants it to say, behind a real socket.
///
/// It speaks OpenAI's chat completions, streamed, so that a test goes through the same client, the same parser and the
/// same network as production. Each request is recorded; the count of the answered ones is what a provider would bill.
///
/// ```swift
/// let server = try ScriptedModelServer([
///     .toolCalls([.init(name: "look_up_order", arguments: #"{"number":7}"#)]),
///     .text("It is on its way."),
/// ])
/// let model = OpenAICompatibleModel(baseURL: server.url, model: "scripted")
/// ```
public final class ScriptedModelServer: Sendable {
    /// What the server does with one request.
    public enum Step: Sendable {
        /// Answers with a text, a word a chunk.
        case text(String)
        /// Answers with a text in these pieces. `before` is called with the number of each, from 0, and may make it wait.
        case pieces([String], before: @Sendable (_ piece: Int) -> Void)
        /// Answers with tool calls, after an optional text.
        case toolCalls([ScriptedCall], text: String = "")
        /// Refuses with a status, header lines and a body.
        case refuse(status: Int, headers: [String: String] = [:], body: String = "")
        /// Answers 200 with these bytes as the event stream, and closes the connection in the middle of the body unless
        /// the body ends here.
        case raw(String, ends: Bool = true)
        /// Answers 200 with this JSON, not streamed.
        case whole(String)
        /// Answers nothing until the client gives up.
        case hang
        /// Closes the connection after half an answer.
        case breakOff
    }

    /// A tool call in a scripted answer.
    public struct ScriptedCall: Sendable {
        /// The provider's id.
        public var id: String
        /// The tool.
        public var name: String
        /// The arguments as JSON text.
        public var arguments: String

        /// Creates a call.
        public init(id: String = "", name: String, arguments: String = "{}") {
            self.id = id
            self.name = name
            self.arguments = arguments
        }
    }

    private final class State: Sendable {
        let requests = Mutex<[JSONValue]>([])
        let answered = Mutex(0)
        let connections = Mutex(0)
    }

    private let listener: LoopbackListener
    private let state = State()

    /// Starts a server that answers by a rule.
    /// - Parameter answer: Gets the number of the request, from 0, and its body.
    public init(_ answer: @escaping @Sendable (_ number: Int, _ request: JSONValue) -> Step) throws {
        let state = state
        listener = try LoopbackListener { connection in
            Self.serve(connection, state, answer)
        }
    }

    /// Starts a server that goes through a script; requests beyond its end are refused with 400.
    public convenience init(_ script: [Step]) throws {
        try self.init { number, _ in
            script.indices.contains(number) ? script[number] : .refuse(status: 400, body: "the script has ended")
        }
    }

    /// The address, up to `/v1`.
    public var url: String { "http://127.0.0.1:\(listener.port)/v1" }

    /// The bodies of the requests so far.
    public var requests: [JSONValue] { state.requests.withLock(\.self) }

    /// How many requests were answered in full: what a provider would bill.
    public var answeredCount: Int { state.answered.withLock(\.self) }

    /// How many connections were taken: one, as long as a client keeps it.
    public var connectionCount: Int { state.connections.withLock(\.self) }

    private static func serve(
        _ connection: LoopbackConnection,
        _ state: State,
        _ answer: @Sendable (Int, JSONValue) -> Step
    ) {
        state.connections.withLock { $0 += 1 }
        var reader = RequestReader(connection)
        while let received = reader.next() {
            let request = (try? JSONValue(parsing: received.body)) ?? .null
            let number = state.requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            switch answer(number, request) {
            case .refuse(let status, let headers, let body):
                sendWhole(connection, status: status, headers: headers, body)
            case .whole(let body):
                sendWhole(connection, status: 200, headers: [:], body)
                state.answered.withLock { $0 += 1 }
            case .hang:
                // Until the client closes the connection.
                while !connection.receive().isEmpty {}
                return
            case .breakOff:
                sendEvents(connection, [ChatChunk.text("half an answ")], ends: false)
                return
            case .raw(let text, let ends):
                connection.send(eventStreamHead)
                if !text.isEmpty { sendChunk(connection, text) }
                guard ends else { return }
                connection.send("0\r\n\r\n")
            case .text(let text):
                sendEvents(connection, ChatChunk.words(of: text) + [ChatChunk.stop("stop")], ends: true)
                state.answered.withLock { $0 += 1 }
            case .pieces(let pieces, let before):
                connection.send(eventStreamHead)
                for (index, piece) in pieces.enumerated() {
                    before(index)
                    sendChunk(connection, "data: \(ChatChunk.text(piece))\n\n")
                }
                sendEnd(connection, after: [ChatChunk.stop("stop")])
                state.answered.withLock { $0 += 1 }
            case .toolCalls(let calls, let text):
                let chunks = (text.isEmpty ? [] : ChatChunk.words(of: text)) + ChatChunk.calls(calls, reply: number)
                sendEvents(connection, chunks + [ChatChunk.stop("tool_calls")], ends: true)
                state.answered.withLock { $0 += 1 }
            }
        }
    }

    private static func sendWhole(
        _ connection: LoopbackConnection,
        status: Int,
        headers: [String: String],
        _ body: String
    ) {
        let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
        connection.send(
            "HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\n\(lines)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    private static let eventStreamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func sendEvents(_ connection: LoopbackConnection, _ chunks: [JSONValue], ends: Bool) {
        connection.send(eventStreamHead)
        guard !ends else { return sendEnd(connection, after: chunks) }
        for chunk in chunks { sendChunk(connection, "data: \(chunk)\n\n") }
    }

    private static func sendEnd(_ connection: LoopbackConnection, after chunks: [JSONValue]) {
        for chunk in chunks { sendChunk(connection, "data: \(chunk)\n\n") }
        sendChunk(connection, "data: [DONE]\n\n")
        connection.send("0\r\n\r\n")
    }

    private static func sendChunk(_ connection: LoopbackConnection, _ text: String) {
        connection.send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }
}

/// The chunks of a streamed chat completion.
private enum ChatChunk {
    static func text(_ piece: String) -> JSONValue { chunk(["content": .init(piece)]) }

    static func words(of text: String) -> [JSONValue] {
        text.split(separator: " ", omittingEmptySubsequences: false).enumerated().map { index, word in
            self.text(index == 0 ? String(word) : " \(word)")
        }
    }

    /// Each call in two chunks: the name with half of the arguments, then the rest.
    static func calls(_ calls: [ScriptedModelServer.ScriptedCall], reply: Int) -> [JSONValue] {
        calls.enumerated().flatMap { index, call in
            let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
            let id = call.id.isEmpty ? "call_\(reply)_\(index)" : call.id
            let first: JSONValue = [
                "index": .init(index), "id": .init(id), "type": "function",
                "function": ["name": .init(call.name), "arguments": .init(String(call.arguments[..<half]))],
            ]
            let second: JSONValue = [
                "index": .init(index), "function": ["arguments": .init(String(call.arguments[half...]))],
            ]
            return [chunk(["tool_calls": [first]]), chunk(["tool_calls": [second]])]
        }
    }

    static func stop(_ reason: String) -> JSONValue {
        [
            "object": "chat.completion.chunk",
            "choices": [["index": 0, "delta": [:], "finish_reason": .init(reason)]],
            "usage": ["prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15],
        ]
    }

    private static func chunk(_ delta: JSONValue) -> JSONValue {
        ["object": "chat.completion.chunk", "choices": [["index": 0, "delta": delta, "finish_reason": nil]]]
    }
}
