// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct StreamingTests {
    nonisolated static let invocation = ScriptedRuntimeAPI.Step.invocation(
        headers: [("Lambda-Runtime-Invocation-Id", "n-1")], payload: [])
    nonisolated static let failure = InvocationError(
        type: "Function.NoSuchOrder", message: "order 7 is unknown", stackTrace: ["a"])

    @Test func `a streamed response is the bytes of the golden file`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let writer = ResponseWriter(contentType: "text/plain")
        try await writer.write(bytes("hello"))
        try await writer.write([])
        try await writer.write(bytes(", world"))
        writer.finish()
        let receipt = try client(of: api).next().stream(from: writer)
        #expect(receipt == .accepted)
        #expect(try api.requests.last?.bytes(at: api.endpoint) == golden("stream"))
    }

    @Test func `a failure after the first byte is in the trailers, as the golden file has them`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let writer = ResponseWriter()
        try await writer.write(bytes("half an ans"))
        writer.fail(Self.failure)
        let receipt = try client(of: api).next().stream(from: writer)
        #expect(receipt == .accepted)
        #expect(try api.requests.last?.bytes(at: api.endpoint) == golden("stream-error"))
        let trailer = try #require(text(api.requests[1].framedBody).split(separator: "Error-Body: ").last)
        let json = try #require(Data(base64Encoded: trailer.trimmingCharacters(in: .whitespacesAndNewlines)))
        let object = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(object["errorMessage"] as? String == "order 7 is unknown")
    }

    @Test func `one response after the other fails on the same client`() async throws {
        let api = try ScriptedRuntimeAPI { number, _ in number.isMultiple(of: 2) ? Self.invocation : .accepted }
        let client = try client(of: api)
        for _ in 0..<20 {
            let writer = ResponseWriter()
            try await writer.write(bytes("half"))
            writer.fail(Self.failure)
            try client.next().stream(from: writer)
            let framed = try #require(api.requests.last?.framedBody)
            #expect(text(framed).hasPrefix("4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: "))
        }
    }

    @Test func `a failure before the first byte is posted as an error`() throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let writer = ResponseWriter()
        writer.fail(Self.failure)
        writer.finish()
        let receipt = try client(of: api).next().stream(from: writer)
        #expect(receipt == .accepted)
        #expect(api.requests[1].path.hasSuffix("/invocation/id-1/error"))
        #expect(api.requests[1]["Lambda-Runtime-Invocation-Id"] == "n-1")
        #expect(try api.requests[1].string("errorType") == "Function.NoSuchOrder")
    }

    @Test func `the connection of a streamed response is not used again`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted, Self.invocation, .accepted])
        let client = try client(of: api)
        let writer = ResponseWriter()
        writer.finish()
        try client.next().stream(from: writer)
        try client.next().respond([])
        #expect(api.requests.map(\.connection) == [0, 0, 1, 1])
        #expect(text(api.requests[1].framedBody) == "0\r\n\r\n")
    }

    @Test func `a prelude is JSON and eight zero bytes before the body`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let writer = ResponseWriter()
        try await writer.write(
            HTTPResponsePrelude(statusCode: 201, headers: ["X-B": "2", "X-A": "\"1\""], cookies: ["a=b", "c=d"]))
        try await writer.write(bytes("body"))
        writer.finish()
        try client(of: api).next().stream(from: writer)
        #expect(api.requests[1]["Content-Type"] == "application/vnd.awslambda.http-integration-response")
        let json = #"{"statusCode":201,"headers":{"X-A":"\"1\"","X-B":"2"},"cookies":["a=b","c=d"]}"#
        #expect(text(api.requests[1].body) == json + String(repeating: "\0", count: 8) + "body")
    }

    @Test func `a prelude must come first, and nothing after the end`() async throws {
        let writer = ResponseWriter()
        try await writer.write([1])
        let late = await #expect(throws: RuntimeError.self) { try await writer.write(HTTPResponsePrelude()) }
        #expect(late?.code == .responseBegun)
        writer.finish()
        let ended = await #expect(throws: RuntimeError.self) { try await writer.write([1]) }
        #expect(ended?.code == .responseEnded)
        #expect(!writer.fail(Self.failure))
    }

    @Test func `a writer waits while the connection does not take more`() async throws {
        let writer = ResponseWriter()
        try await writer.write([UInt8](repeating: 0, count: 64 << 10))
        // Nobody sends: only the cancellation can end this.
        let waiting = Task { @concurrent in try await writer.write([1]) }
        waiting.cancel()
        let cancelled = await #expect(throws: RuntimeError.self) { try await waiting.value }
        #expect(cancelled?.code == .cancelled)
        let overtaken = Task { @concurrent in try await writer.write([2]) }
        writer.finish()
        let ended = await #expect(throws: RuntimeError.self) { try await overtaken.value }
        #expect(ended?.code == .responseEnded)
    }

    @Test func `what is offered is taken while there is room, and never waits`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let writer = ResponseWriter(contentType: "text/plain")
        let first = writer.offer(bytes("a"))
        let long = writer.offer([UInt8](repeating: 0x62, count: 64 << 10))
        let more = writer.offer(bytes("c"))
        #expect((first, long, more) == (true, true, false))
        let late = writer.offer(HTTPResponsePrelude())
        #expect(!late)
        writer.finish()
        let ended = writer.offer(bytes("d"))
        #expect(!ended)
        try client(of: api).next().stream(from: writer)
        #expect(text(api.requests[1].body) == "a" + String(repeating: "b", count: 64 << 10))
        #expect(api.requests[1]["Content-Type"] == "text/plain")
    }

    @Test func `an answer in one piece is the request of a handler that does not stream`() async throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted, Self.invocation, .accepted])
        let client = try client(of: api)
        for body in ["{}", "[]"] {
            let writer = ResponseWriter(contentType: "text/plain")
            try writer.respond(bytes(body))
            #expect(throws: RuntimeError.self) { try writer.respond([]) }
            let refused = await #expect(throws: RuntimeError.self) { try await writer.write([1]) }
            #expect(refused?.code == .responseEnded)
            writer.finish()
            let receipt = try client.next().stream(from: writer)
            #expect(receipt == .accepted)
            #expect(!writer.isAbandoned)
        }
        #expect(api.requests.map(\.connection) == [0, 0, 0, 0])
        #expect(api.requests[1]["Content-Type"] == "application/json")
        #expect(api.requests[1]["Content-Length"] == "2")
        #expect(api.requests[1]["Lambda-Runtime-Function-Response-Mode"] == nil)
        #expect(api.requests[3]["Lambda-Runtime-Invocation-Id"] == "n-1")
        #expect(text(api.requests[3].body) == "[]")
    }

    @Test func `an answer in one piece is too late after the first byte`() async throws {
        let writer = ResponseWriter()
        writer.offer([1])
        let late = #expect(throws: RuntimeError.self) { try writer.respond([]) }
        #expect(late?.code == .responseBegun)
    }

    @Test func `a long body arrives in order`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let writer = ResponseWriter()
        let producer = Task { @concurrent in
            var rest = body[...]
            for size in sequence(first: 1, next: { $0 * 7 % 99_991 }) where !rest.isEmpty {
                try await writer.write(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
                if rest.isEmpty { break }
            }
            writer.finish()
        }
        let receipt = try client(of: api).next().stream(from: writer)
        try await producer.value
        #expect(receipt == .accepted)
        let isSame = api.requests[1].body == body
        #expect(isSame)
    }

    @Test(arguments: [true, false])
    func `a peer that goes away ends the response though nothing is written`(resets: Bool) async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation], interruptions: [1: .raw([], resets: resets)])
        let writer = ResponseWriter()
        try await writer.write([1])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { try client.next().stream(from: writer) }
        #expect(error?.code == .unreachable)
        let refused = await #expect(throws: RuntimeError.self) { try await writer.write([2]) }
        #expect(refused?.code == .responseAbandoned)
        #expect(api.requests.map(\.method) == ["GET", "POST"])
    }

    @Test func `a peer that goes away ends a write that waits`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation], interruptions: [1: .raw([], resets: true)])
        let writer = ResponseWriter()
        let producer = Task { @concurrent in
            while true { try await writer.write([UInt8](repeating: 0, count: 1 << 20)) }
        }
        let client = try client(of: api)
        #expect(throws: RuntimeError.self) { try client.next().stream(from: writer) }
        let refused = await #expect(throws: RuntimeError.self) { try await producer.value }
        #expect(refused?.code == .responseAbandoned)
    }

    @Test(arguments: [(413, "RequestEntityTooLarge"), (410, "InvokeTimeout"), (403, "InvalidStateTransition")])
    func `a refusal in the middle is told and the next invocation is served`(status: Int, type: String) async throws {
        let api = try ScriptedRuntimeAPI(
            [Self.invocation, .accepted, Self.invocation, .accepted], interruptions: [1: .refused(status, type)])
        let writer = ResponseWriter()
        try await writer.write([1])
        let client = try client(of: api)
        let receipt = try client.next().stream(from: writer)
        #expect(receipt == .refused(status: status, errorType: type))
        #expect(writer.isAbandoned)
        let refused = await #expect(throws: RuntimeError.self) { try await writer.write([2]) }
        #expect(refused?.code == .responseAbandoned)
        let next = try client.next().respond([])
        #expect(next == .accepted)
    }

    @Test func `an error of any length fits the trailers`() async throws {
        let api = try ScriptedRuntimeAPI([Self.invocation, .accepted])
        let long = String(repeating: "\u{1}", count: 1 << 20)
        let writer = ResponseWriter()
        try await writer.write([1])
        writer.fail(InvocationError(type: long, message: long, stackTrace: Array(repeating: long, count: 100)))
        let receipt = try client(of: api).next().stream(from: writer)
        #expect(receipt == .accepted)
        #expect(api.requests[1].framedBody.count > 32 << 10)
        #expect(text(api.requests[1].framedBody).contains("Lambda-Runtime-Function-Error-Type: Function.Unknown\r\n"))
    }

    @Test func `a connection that is refused does not lose what was written`() async throws {
        let api = try ScriptedRuntimeAPI([.invocation(headers: [("Connection", "close")], payload: [])])
        let writer = ResponseWriter()
        try await writer.write([1])
        let invocation = try client(of: api).next()
        api.stopListening()
        do {
            try invocation.stream(from: writer)
            Issue.record("nobody took the answer")
        } catch {
            #expect(error.code == .unreachable)
        }
    }
}
