// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaRuntimeAPI
import PerdureTesting
import Testing

/// A Runtime API that says what no Runtime API should: each thing has an end, an invocation or an error.
@BlockingThread @Suite(.timeLimit(.minutes(2))) struct MisbehavingServiceTests {
    typealias Step = ScriptedRuntimeAPI.Step

    nonisolated static let head =
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: x\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
    nonisolated static let taken = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"

    /// What becomes of a `/next` that is answered so, where everything later is refused.
    func next(_ answer: Step) throws -> Result<(payload: [UInt8], context: InvocationContext), RuntimeError> {
        let api = try ScriptedRuntimeAPI { number, request in
            number == 0 ? answer : request.method == "POST" ? .accepted : .refused(403, "InvalidStateTransition")
        }
        do throws(RuntimeError) {
            let client: RuntimeClient
            client = try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint]))
            let invocation = try client.next()
            // Dropped: its connection may be gone, and this is not about that.
            return .success((payload: invocation.payload, context: invocation.context))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Statuses

    /// Every one that means something, and a sample of the others.
    nonisolated static let statuses = Set(
        Array(stride(from: 200, through: 599, by: 3)) + Array(200...208) + Array(300...308) + Array(400...431)
            + Array(500...511) + [451, 599]
    ).sorted()

    @Test func `every status of next is an invocation or the end of the sandbox`() throws {
        let api = try ScriptedRuntimeAPI { number, _ in .refused(Self.statuses[number], "X") }
        for status in Self.statuses {
            let error = #expect(throws: RuntimeError.self) { _ = try client(of: api).next() }
            let code: RuntimeError.Code =
                switch status {
                case 500: .containerError
                case 403: .stateViolation
                default: .badAnswer
                }
            // An answer of 200 has no request id here.
            #expect(error?.code == code, "\(status)")
        }
        #expect(api.requests.count == Self.statuses.count)
    }

    @Test(arguments: ["response", "error"])
    func `every status of an answer is taken, refused or the end of the sandbox`(kind: String) throws {
        let api = try ScriptedRuntimeAPI { number, request in
            request.method == "GET" ? .invocation(payload: []) : .refused(Self.statuses[number / 2], "X")
        }
        for status in Self.statuses {
            let outcome = Result { () throws(RuntimeError) in
                let client: RuntimeClient
                client = try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint]))
                let invocation = try client.next()
                return kind == "error"
                    ? try invocation.fail(InvocationError(type: "Function.X", message: "")) : try invocation.respond([])
            }
            switch (status, outcome) {
            case (202, .success(.accepted)): break
            case (400, .success(let receipt)), (403, .success(let receipt)), (410, .success(let receipt)),
                (413, .success(let receipt)):
                #expect(receipt == .refused(status: status, errorType: "X"))
            case (500, .failure(let error)): #expect(error.code == .containerError)
            case (_, .failure(let error)): #expect(error.code == .badAnswer, "\(status)")
            case (_, .success(let receipt)): Issue.record("\(status): \(receipt)")
            }
        }
        #expect(api.requests.count == 2 * Self.statuses.count)
    }

    @Test func `every status of an init error but 202 is an error`() throws {
        let api = try ScriptedRuntimeAPI { number, _ in .refused(Self.statuses[number], "X") }
        for status in Self.statuses {
            let client = try client(of: api)
            if status == 202 {
                try client.reportInitError(InvocationError(type: "Function.X", message: ""))
            } else {
                #expect(throws: RuntimeError.self, "\(status)") {
                    try client.reportInitError(InvocationError(type: "Function.X", message: ""))
                }
            }
        }
        #expect(api.requests.count == Self.statuses.count)
    }

    @Test(arguments: [100, 101, 102, 103, 199])
    func `an interim status is not an answer`(status: Int) throws {
        let interim = "HTTP/1.1 \(status) Interim\r\nX: y\r\n\r\n"
        let invocation = Self.head + "Content-Length: 2\r\n\r\n{}"
        // Nobody asked for another protocol.
        guard status != 101 else {
            #expect(throws: RuntimeError.self) { try next(.raw(bytes(interim + invocation))).get() }
            return
        }
        #expect(try next(.raw(bytes(interim + interim + invocation))).get().payload == bytes("{}"))
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .raw(bytes(interim)), .accepted])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { try client.next().respond([]) }
        #expect(error?.code == .unreachable)
        #expect(api.requests.count == 2)
    }

    @Test(arguments: [
        "HTTP/1.1 99 No", "HTTP/1.1 600 No", "HTTP/1.1 1000 No", "HTTP/1.1 -20 No", "HTTP/1.1  No", "200 OK",
    ])
    func `a status line that is none is an error`(line: String) throws {
        let answer = Self.head.replacing("HTTP/1.1 200 OK", with: line) + "Content-Length: 2\r\n\r\n{}"
        #expect(throws: RuntimeError.self) { try next(.raw(bytes(answer))).get() }
        let api = try ScriptedRuntimeAPI([
            .invocation(payload: []), .raw(bytes("\(line)\r\nContent-Length: 0\r\n\r\n")),
        ])
        let client = try client(of: api)
        #expect(throws: RuntimeError.self) { try client.next().respond([]) }
        #expect(api.requests.count == 2)
    }

    // MARK: Pieces

    @Test func `answers that come byte by byte are put together on one connection`() throws {
        let invocation = bytes(Self.head + "Content-Length: 2\r\n\r\n{}")
        let chunked = bytes(Self.head + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n[1\r\n1\r\n]\r\n0\r\nT: u\r\n\r\n")
        let api = try ScriptedRuntimeAPI([
            .dribble(invocation), .dribble(bytes(Self.taken)), .dribble(chunked), .dribble(bytes(Self.taken)),
        ])
        let client = try client(of: api)
        for payload in ["{}", "[1]"] {
            let invocation = try client.next()
            let received = invocation.payload
            #expect(received == bytes(payload))
            let receipt = try invocation.respond(received)
            #expect(receipt == .accepted)
        }
        #expect(api.requests.map(\.connection) == [0, 0, 0, 0])
    }

    struct Framing: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Header lines and body.
        var text: String
        /// Nil for an error.
        var payload: String?

        init(_ name: String, _ text: String, _ payload: String?) {
            (testDescription, self.text, self.payload) = (name, text, payload)
        }
    }

    @Test(arguments: [
        Framing("extensions", "2;a=b;c=\"d e\"\r\n{}\r\n0;x\r\n\r\n", "{}"),
        Framing("a long extension", "2;\(String(repeating: "x", count: 8000))\r\n{}\r\n0\r\n\r\n", "{}"),
        Framing("trailers", "2\r\n{}\r\n0\r\nA: b\r\nLambda-Runtime-Aws-Request-Id: other\r\n\r\n", "{}"),
        Framing("capitals and zeros", "000000A\r\n\"12345678\"\r\n0000\r\n\r\n", "\"12345678\""),
        Framing("nothing", "0\r\n\r\n", ""),
        Framing("no number", "x\r\n{}\r\n0\r\n\r\n", nil),
        Framing("a negative number", "-2\r\n{}\r\n0\r\n\r\n", nil),
        Framing("a number of 20 digits", "fffffffffffffffffffff\r\n{}\r\n0\r\n\r\n", nil),
        Framing("more than is announced", "1\r\n{}\r\n0\r\n\r\n", nil),
        Framing("no last chunk", "2\r\n{}\r\n", nil),
        Framing("no end of the trailers", "2\r\n{}\r\n0\r\nA: b", nil),
    ])
    func `chunks are put together or refused`(framing: Framing) throws {
        let outcome = try next(.raw(bytes(Self.head + "Transfer-Encoding: chunked\r\n\r\n" + framing.text)))
        if let payload = framing.payload {
            let (received, context) = try outcome.get()
            #expect(text(received) == payload)
            #expect(context.requestID == "x")
        } else {
            #expect(throws: RuntimeError.self) { try outcome.get() }
        }
    }

    @Test(arguments: [
        Framing("one byte too few", "Content-Length: 3\r\n\r\n{}", nil),
        Framing("many too few", "Content-Length: 9000000000000000000\r\n\r\n{}", nil),
        Framing("one byte too many", "Content-Length: 2\r\n\r\n{}\n", "{}"),
        Framing("a whole answer too many", "Content-Length: 2\r\n\r\n{}\(taken)", "{}"),
        Framing("none", "\r\n{}", "{}"),
        Framing("negative", "Content-Length: -1\r\n\r\n{}", nil),
        Framing("no number", "Content-Length: two\r\n\r\n{}", nil),
        Framing("twice", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "{}"),
        Framing("more than a function may get", "Content-Length: 100000000\r\n\r\n{}", nil),
    ])
    func `a length that lies is no trap`(framing: Framing) throws {
        let outcome = try next(.raw(bytes(Self.head + framing.text)))
        guard let payload = framing.payload else {
            #expect(throws: RuntimeError.self) { try outcome.get() }
            return
        }
        #expect(try text(outcome.get().payload) == payload)
    }

    @Test func `a length of twenty digits has an end`() throws {
        // libcurl reads on to the end of the connection, or refuses it.
        let outcome = try next(.raw(bytes(Self.head + "Content-Length: 99999999999999999999\r\n\r\n{}")))
        if case .success((let payload, _)) = outcome { #expect(payload == bytes("{}")) }
    }

    #if os(Linux)
    @Test func `a connection that the service closed in between is not used for an answer`() throws {
        let api = try ScriptedRuntimeAPI([
            .raw(bytes(Self.head + "Content-Length: 2\r\n\r\n{}")), .raw(bytes(Self.taken)),
            .invocation(id: "b", payload: []), .accepted,
        ])
        let client = try client(of: api)
        for requests in [1, 3] {
            let invocation = try client.next()
            if requests == 1 { try waitForClose(by: api) }
            let receipt = try invocation.respond([])
            #expect(receipt == .accepted)
            if requests == 1 { try waitForClose(by: api) }
        }
        #expect(api.requests.map(\.connection) == [0, 1, 2, 2])
    }

    /// Waits until this end of each connection to the service knows that the other one was closed.
    private func waitForClose(by api: ScriptedRuntimeAPI) throws {
        let port = try #require(UInt16(api.endpoint.split(separator: ":").last ?? ""))
        for descriptor in Int32(0)..<1024 {
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isConnected = withUnsafeMutableBytes(of: &address) { bytes in
                getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
            }
            guard isConnected, UInt16(bigEndian: address.sin_port) == port else { continue }
            // POLLRDHUP, which the headers show under _GNU_SOURCE only.
            var poller = pollfd(fd: descriptor, events: 0x2000, revents: 0)
            let count = poll(&poller, 1, 30_000)
            try #require(count == 1)
        }
    }
    #endif
}
