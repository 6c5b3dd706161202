// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI
import PerdureTesting
import Testing

/// A strange header is data. The connections end with the answers, as the service says.
@BlockingThread @Suite(.timeLimit(.minutes(2))) struct StrangeHeaderTests {
    nonisolated static let head = MisbehavingServiceTests.head

    /// An invocation with these header bytes; what comes after it is refused.
    func invocation(_ lines: [UInt8], status: String = head) throws -> (RuntimeClient, ScriptedRuntimeAPI) {
        let answer = bytes(status) + lines + bytes("Connection: close\r\nContent-Length: 2\r\n\r\n{}")
        let api = try ScriptedRuntimeAPI { number, request in
            number == 0 ? .raw(answer) : request.method == "POST" ? .accepted : .refused(403, "InvalidStateTransition")
        }
        return (try client(of: api), api)
    }

    @Test func `what is not UTF-8 is replaced`() throws {
        let name = bytes("Lambda-Runtime-Trace-Id: ")
        let (client, api) = try invocation(name + [0x61, 0xFF, 0xC3, 0x28, 0x80, 0x0D, 0x0A])
        let invocation = try client.next()
        let context = invocation.context
        try invocation.respond([])
        #expect(context.traceID == "a\u{FFFD}\u{FFFD}(\u{FFFD}")
        #expect(api.requests.count == 2)
    }

    @Test func `an id that is not UTF-8 is answered all the same`() throws {
        let head = bytes("HTTP/1.1 200 OK\r\nLambda-Runtime-Deadline-Ms: 1\r\nLambda-Runtime-Aws-Request-Id: a b/")
        let (client, api) = try invocation([0xFF, 0x0D, 0x0A], status: text(head))
        let receipt = try client.next().respond([])
        #expect(receipt == .accepted)
        #expect(api.requests[1].path == "/2018-06-01/runtime/invocation/a%20b%2F%EF%BF%BD/response")
    }

    @Test func `an attempt that is not UTF-8 does not keep the invocation from being answered`() throws {
        let (client, api) = try invocation(bytes("Lambda-Runtime-Invocation-Id: ") + [0xFF, 0x0D, 0x0A])
        let receipt = try client.next().respond([])
        #expect(receipt == .accepted)
        #expect(api.requests.count == 2)
    }

    @Test func `a thousand headers are no more than a thousand headers`() throws {
        let lines = (0..<1000).map { "X-Header-\($0): \($0)\r\n" }.joined() + "Lambda-Runtime-Trace-Id: last\r\n"
        let (client, api) = try invocation(bytes(lines))
        let invocation = try client.next()
        let context = invocation.context
        try invocation.respond([])
        #expect(context.traceID == "last")
        #expect(api.requests.count == 2)
    }

    @Test func `the first of two headers counts`() throws {
        let lines =
            "Lambda-Runtime-Aws-Request-Id: y\r\nLambda-Runtime-Deadline-Ms: no\r\nlambda-runtime-trace-id: a\r\n"
        let (client, api) = try invocation(bytes(lines + "Lambda-Runtime-Trace-Id: b\r\n"))
        let invocation = try client.next()
        let context = invocation.context
        try invocation.respond([])
        #expect(context.traceID == "a")
        #expect(api.requests[1].path.hasSuffix("/x/response"))
    }

    @Test(arguments: [10_000, 90_000, 102_400, 300_000, 3_000_000])
    func `a header of any length is taken or refused`(length: Int) throws {
        let line = "Lambda-Runtime-Trace-Id: " + String(repeating: "x", count: length) + "\r\n"
        let (client, api) = try invocation(bytes(line))
        if length <= 90_000 {
            let invocation = try client.next()
            let context = invocation.context
            try invocation.respond([])
            #expect(context.traceID?.utf8.count == length)
        } else {
            #expect(throws: RuntimeError.self) { _ = try client.next() }
            #expect(api.requests.count <= 5)
        }
    }

    @Test(arguments: [
        "no colon\r\n", ": no name\r\n", "X: a\0b\r\n", "X: a\rb\r\n", " folded\r\n", "X : blank\r\n", "\n",
    ])
    func `a line that is no header is no trap`(line: String) throws {
        let (client, api) = try invocation(bytes(line))
        do {
            let invocation = try client.next()
            let id = invocation.context.requestID
            try invocation.respond([])
            #expect(id == "x")
        } catch {
            #expect([.badAnswer, .unreachable, .stateViolation].contains(error.code))
        }
        #expect(api.requests.count <= 5)
    }

    /// A seeded generator: the same bytes in each run.
    struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test func `any byte of an answer may be wrong`() throws {
        let whole =
            bytes(Self.head)
            + bytes("Lambda-Runtime-Trace-Id: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        var generator = SplitMix(state: 1)
        for round in 0..<400 {
            var answer = whole
            for _ in 0...round % 3 {
                let place = answer.indices.randomElement(using: &generator) ?? 0
                switch round % 4 {
                case 0: answer[place] = .random(in: 0...255, using: &generator)
                case 1: answer.remove(at: place)
                case 2: answer.insert(.random(in: 0...255, using: &generator), at: place)
                default: answer[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            let api = try ScriptedRuntimeAPI { [answer] number, request in
                number == 0 ? .raw(answer) : request.method == "POST" ? .accepted : .refused(403, "X")
            }
            do {
                try client(of: api).next().respond([])
            } catch let error as RuntimeError {
                #expect([.badAnswer, .unreachable, .stateViolation].contains(error.code), "round \(round): \(error)")
            }
            #expect(api.requests.count <= 5, "round \(round)")
        }
    }
}
