// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import Synchronization

/// A Lambda Runtime API that says what a test wants it to say, byte by byte, behind a real socket.
///
/// It knows nothing of the protocol's states: a test decides on each answer, also on those that the real service would
/// never give. Each request is recorded with its exact bytes.
///
/// ```swift
/// let api = try ScriptedRuntimeAPI([.invocation(payload: Array("{}".utf8)), .accepted])
/// let client = try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint]))
/// try client.next().respond(Array("[]".utf8))
/// ```
public final class ScriptedRuntimeAPI: Sendable {
    /// A header line.
    public typealias Header = (name: String, value: String)

    /// What the server does with one request.
    public indirect enum Step: Sendable {
        /// Hands out an invocation that ends in a minute, with further headers; those of the same name as one of its
        /// own take its place.
        case invocation(id: String = "id-1", headers: [Header] = [], payload: [UInt8])
        /// Answers with a status, header lines and a body of known length.
        case answer(status: Int, headers: [Header] = [], body: [UInt8] = [])
        /// Sends these bytes as they are and closes the connection, with a reset if so wanted.
        case raw([UInt8], resets: Bool = false)
        /// Sends these bytes as they are, each in a packet of its own. The connection goes on.
        case dribble([UInt8])
        /// Runs the closure, which may block, and then does what the step says.
        case after(@Sendable () -> Void, Step)
        /// Answers nothing until the client closes the connection.
        case hang
        /// Takes no more connections and closes this one.
        case goAway

        /// What the service says to an answer that it takes.
        public static let accepted = Step.answer(status: 202, body: Array("{\"status\":\"OK\"}\n".utf8))

        /// What the service says when it refuses.
        public static func refused(_ status: Int, _ errorType: String) -> Step {
            .answer(
                status: status,
                headers: [("Content-Type", "application/json")],
                body: Array("{\"errorMessage\":\"no\",\"errorType\":\"\(errorType)\"}\n".utf8)
            )
        }
    }

    /// A request as it came.
    public struct Request: Sendable {
        /// The request line, the header lines and the blank line.
        public let head: [UInt8]
        /// The body.
        public let body: [UInt8]
        /// The body as it came: of a streamed response with the sizes of its chunks and its trailers.
        public let framedBody: [UInt8]
        /// The number of the connection that it came on, from 0.
        public let connection: Int

        /// `GET` or `POST`.
        public var method: String { requestLine.first ?? "" }
        /// The path, percent-encoded as it was sent.
        public var path: String { requestLine.dropFirst().first ?? "" }
        /// The value of the first header of that name, compared without regard to case.
        public subscript(name: String) -> String? {
            for line in lines.dropFirst() where line.lowercased().hasPrefix(name.lowercased() + ":") {
                return String(line.dropFirst(name.count + 1).drop { $0 == " " })
            }
            return nil
        }

        fileprivate var isExtension: Bool { path.hasPrefix("/2020-01-01/extension/") }
        private var lines: [Substring] { String(decoding: head, as: UTF8.self).split(separator: "\r\n") }
        private var requestLine: [String] { lines.first?.split(separator: " ").map(String.init) ?? [] }
    }

    private final class State: Sendable {
        let requests = Mutex<[Request]>([])
        let extensionRequests = Mutex<[Request]>([])
        let connections = Mutex(0)
    }

    private let listener: LoopbackListener
    private let state = State()

    /// Starts a server that answers by a rule.
    /// - Parameters:
    ///   - interruptions: What to do with the request of that number as soon as the first byte of its body is there; the
    ///     connection is closed afterwards.
    ///   - extensions: What to do with requests to the Extensions API, which are counted apart: by default it is not there.
    ///   - answer: Gets the number of the request, from 0, and the request.
    public init(
        interruptions: [Int: Step] = [:],
        extensions: @escaping @Sendable (Request) -> Step = { _ in .answer(status: 404) },
        _ answer: @escaping @Sendable (_ number: Int, _ request: Request) -> Step
    ) throws {
        let state = state
        listener = try LoopbackListener { connection in Self.serve(connection, state, interruptions, extensions, answer)
        }
    }

    /// Starts a server that goes through a script, whatever is asked; later requests wait for ever, as they do for
    /// an invocation that does not come.
    public convenience init(
        _ script: [Step],
        interruptions: [Int: Step] = [:],
        extensions: @escaping @Sendable (Request) -> Step = { _ in .answer(status: 404) }
    ) throws {
        try self.init(interruptions: interruptions, extensions: extensions) { number, _ in
            script.indices.contains(number) ? script[number] : .hang
        }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is to be set to: `127.0.0.1:port`.
    public var endpoint: String { "127.0.0.1:\(listener.port)" }

    /// Takes no more connections, so that new ones are refused; those that there are stay.
    public func stopListening() { listener.stopListening() }

    /// The requests so far, without those to the Extensions API.
    public var requests: [Request] { state.requests.withLock(\.self) }

    /// The requests to the Extensions API so far.
    public var extensionRequests: [Request] { state.extensionRequests.withLock(\.self) }

    private static func serve(
        _ connection: LoopbackConnection,
        _ state: State,
        _ interruptions: [Int: Step],
        _ extensions: @Sendable (Request) -> Step,
        _ answer: @Sendable (Int, Request) -> Step
    ) {
        let number = state.connections.withLock { count in
            defer { count += 1 }
            return count
        }
        var reader = RequestReader(connection)
        while let head = reader.nextHead() {
            let next = state.requests.withLock(\.count)
            let isExtension = Request(head: head, body: [], framedBody: [], connection: number).isExtension
            let interruption = isExtension ? nil : interruptions[next]
            let received: RequestReader.Request
            if interruption != nil {
                guard reader.waitForBody() else { return }
                received = RequestReader.Request(head: head, body: [], framedBody: [])
            } else {
                guard let request = reader.nextBody(after: head) else { return }
                received = request
            }
            let request = Request(
                head: head, body: received.body, framedBody: received.framedBody, connection: number)
            if isExtension {
                state.extensionRequests.withLock { $0.append(request) }
                guard perform(extensions(request), connection) else { return }
                continue
            }
            let count = state.requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            guard perform(interruption ?? answer(count - 1, request), connection), interruption == nil else { return }
        }
    }

    /// Does what a step says; answers whether the connection goes on.
    private static func perform(_ step: Step, _ connection: LoopbackConnection) -> Bool {
        switch step {
        case .invocation(let id, let headers, let payload):
            connection.send(response(200, headers: invocationHeaders(id: id, overridden: headers), payload))
            return true
        case .answer(let status, let headers, let body):
            connection.send(response(status, headers: headers, body))
            return true
        case .raw(let bytes, let resets):
            connection.send(bytes)
            if resets { connection.resetOnClose() }
            return false
        case .dribble(let bytes):
            // The connection does not gather: see LoopbackListener.
            return bytes.allSatisfy { connection.send([$0]) }
        case .after(let action, let step):
            action()
            return perform(step, connection)
        case .hang:
            while !connection.receive().isEmpty {}
            return false
        case .goAway:
            connection.stopListening()
            return false
        }
    }

    private static func response(_ status: Int, headers: [Header], _ body: [UInt8]) -> [UInt8] {
        let lines = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("HTTP/1.1 \(status) Status\r\n\(lines)Content-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    private static func invocationHeaders(id: String, overridden: [Header]) -> [Header] {
        let usual: [Header] = [
            ("Lambda-Runtime-Aws-Request-Id", id),
            ("Lambda-Runtime-Deadline-Ms", String(wallClock() + 60_000)),
        ]
        return usual.filter { header in !overridden.contains { $0.name.lowercased() == header.name.lowercased() } }
            + overridden
    }
}
