// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct TransportFailureTests {
    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var step: ScriptedRuntimeAPI.Step

        init(_ name: String, _ text: String, resets: Bool = false) {
            testDescription = name
            step = .raw(bytes(text), resets: resets)
        }
    }

    nonisolated static let head =
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: x\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
    nonisolated static let failures = [
        Failure("closed", ""), Failure("reset", "", resets: true),
        Failure("half a status line", "HTTP/1."), Failure("half a head", String(head.dropLast(9))),
        Failure("half a body", head + "Content-Length: 10\r\n\r\n{\"a"),
        Failure("half a body, reset", head + "Content-Length: 10\r\n\r\n{\"a", resets: true),
        Failure("half a chunk", head + "Transfer-Encoding: chunked\r\n\r\nA\r\n{\"a"),
        Failure("no last chunk", head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    ]

    @Test(arguments: failures)
    func `waiting for an invocation survives a connection that fails`(failure: Failure) throws {
        let api = try ScriptedRuntimeAPI([failure.step, .invocation(id: "again", payload: bytes("{}")), .accepted])
        let invocation = try client(of: api).next()
        let id = invocation.context.requestID
        try invocation.respond([])
        #expect(id == "again")
        #expect(api.requests.map(\.method) == ["GET", "GET", "POST"])
        #expect(api.requests.map(\.connection) == [0, 1, 1])
    }

    @Test(arguments: failures)
    func `waiting survives the death of the kept connection`(failure: Failure) throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(payload: []), .accepted, failure.step, .invocation(id: "again", payload: []), .accepted,
        ])
        let client = try client(of: api)
        try client.next().respond([])
        let invocation = try client.next()
        let id = invocation.context.requestID
        try invocation.respond([])
        #expect(id == "again")
        #expect(api.requests.count == 5)
    }

    @Test func `waiting gives up after five tries`() throws {
        let api = try ScriptedRuntimeAPI { _, _ in .raw([], resets: true) }
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { _ = try client.next() }
        #expect(error?.code == .unreachable)
        #expect(api.requests.count == 5)
    }

    @Test(arguments: failures)
    func `an answer whose bytes were sent is not sent again`(failure: Failure) throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), failure.step, .accepted])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { try client.next().respond(bytes("{}")) }
        #expect(error?.code == .unreachable)
        #expect(error?.call == "response")
        #expect(api.requests.map(\.method) == ["GET", "POST"])
    }

    @Test func `an answer that finds nobody listening is tried again, then given up`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(headers: [("Connection", "close")], payload: [])])
        let client = try client(of: api)
        let invocation = try client.next()
        api.stopListening()
        let start = ContinuousClock.now
        do {
            try invocation.respond([])
            Issue.record("nobody took the answer")
        } catch {
            #expect(error.code == .unreachable)
        }
        // 0.1 + 0.2 + 0.4 + 0.8 seconds between five tries.
        #expect(start.duration(to: .now) >= .milliseconds(1500))
        #expect(api.requests.count == 1)
    }

    @Test(arguments: ["not a host", "http://127.0.0.1:1", "", "127.0.0.1:99999"])
    func `an endpoint that is none is an error that says so`(endpoint: String) {
        let error = #expect(throws: RuntimeError.self) {
            _ = try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": endpoint])).next()
        }
        #expect([.noEndpoint, .unreachable].contains(error?.code))
    }

    @Test func `a missing endpoint is an error that names the variable`() {
        let error = #expect(throws: RuntimeError.self) { _ = try RuntimeClient(RuntimeEnvironment([:])) }
        #expect(error?.code == .noEndpoint)
        #expect(error?.description.contains("AWS_LAMBDA_RUNTIME_API") == true)
    }
}
