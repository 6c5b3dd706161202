// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import LambdaEmulator

@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
    private func curl(_ server: HTTPServer, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        let result = try await runProgram(
            ["curl", "-sS", "--noproxy", "*", "-w", " %{http_code}", "http://127.0.0.1:\(server.port)/"] + arguments)
        return (result.status, result.output)
    }

    private func start(_ handler: @escaping HTTPServer.Handler) async throws -> HTTPServer {
        try await HTTPServer.start(host: "127.0.0.1", port: 0, bodyLimit: 100_000, handler: handler)
    }

    @Test(arguments: [true, false])
    func `a body is put together up to the limit`(chunked: Bool) async throws {
        let server = try await start { request in
            HTTPResponse(status: .ok, body: ByteBuffer(string: "\(request.body.readableBytes) \(request.isTooLarge)"))
        }
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        for (size, answer) in [(0, "0 false"), (100_000, "100000 false"), (100_001, "0 true"), (9_000_000, "0 true")] {
            try Data(count: size).write(to: file)
            let framing = chunked ? ["-H", "Transfer-Encoding: chunked"] : []
            let arguments = ["--data-binary", "@\(file.path)", "-H", "Expect:"] + framing
            #expect(try await curl(server, arguments).output == "\(answer) 200")
        }
        await server.stop()
    }

    @Test func `a client that asks first is told`() async throws {
        let server = try await start { HTTPResponse(status: $0.isTooLarge ? .payloadTooLarge : .ok) }
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        for (size, status) in [(50_000, "200"), (500_000_000, "413")] {
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            try FileHandle(forWritingTo: file).truncate(atOffset: UInt64(size))
            let arguments = ["-T", file.path, "-H", "Expect: 100-continue", "--expect100-timeout", "60"]
            #expect(try await curl(server, arguments).output.hasSuffix(status))
        }
        await server.stop()
    }

    @Test func `a handler is cancelled when its client goes away`() async throws {
        let events = AsyncStream.makeStream(of: String.self)
        let server = try await start { _ in
            events.continuation.yield("begun")
            let never = AsyncStream.makeStream(of: Void.self)
            for await _ in never.stream {}
            events.continuation.yield("cancelled \(Task.isCancelled)")
            return HTTPResponse(status: .ok)
        }
        #expect(try await curl(server, ["--max-time", "1"]).status == 28)
        var seen = events.stream.makeAsyncIterator()
        #expect(await seen.next() == "begun")
        #expect(await seen.next() == "cancelled true")
        await server.stop()
    }

    @Test func `stop ends the handlers and frees the port`() async throws {
        let events = AsyncStream.makeStream(of: String.self)
        let ended = Mutex(false)
        let server = try await start { _ in
            events.continuation.yield("begun")
            let never = AsyncStream.makeStream(of: Void.self)
            for await _ in never.stream {}
            ended.withLock { $0 = true }
            return HTTPResponse(status: .ok)
        }
        async let client = curl(server, [])
        var seen = events.stream.makeAsyncIterator()
        #expect(await seen.next() == "begun")
        await server.stop()
        #expect(ended.withLock { $0 })
        #expect(try await client.status == 52)
        #expect(try await curl(server, []).status == 7)
        let again = try await HTTPServer.start(host: "127.0.0.1", port: server.port, bodyLimit: 1) { _ in
            HTTPResponse(status: .ok)
        }
        let taken = await #expect(throws: EmulatorError.self) {
            try await HTTPServer.start(host: "127.0.0.1", port: server.port, bodyLimit: 1) { _ in
                HTTPResponse(status: .ok)
            }
        }
        #expect(taken?.code == .cannotListen)
        await again.stop()
    }
}
