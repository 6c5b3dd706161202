// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LambdaEmulator

struct EventStreamTests {
    @Test func `the checksum is zlib's`() {
        #expect(CRC32.checksum("123456789".utf8) == 0xcbf4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test func `an empty message is 16 bytes`() {
        // The smallest message of the format, as AWS's own test vectors have it.
        let message = EventStreamMessage(headers: [:], payload: ByteBuffer()).encoded
        #expect(
            Array(message.readableBytesView) == [
                0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
            ])
    }

    @Test func `headers are typed strings`() {
        let message = EventStreamMessage(headers: ["ab": "xyz"], payload: ByteBuffer(string: "p")).encoded
        let bytes = Array(message.readableBytesView)
        #expect(bytes.count == 26)
        #expect(Array(bytes[0..<8]) == [0, 0, 0, 26, 0, 0, 0, 9])
        #expect(Array(bytes[12..<22]) == [2, 0x61, 0x62, 7, 0, 3, 0x78, 0x79, 0x7a, 0x70])
    }
}

@Suite(.timeLimit(.minutes(1)))
struct BytePipeTests {
    @Test func `bytes come in order and then the end`() async {
        let pipe = BytePipe<Int>()
        pipe.write(ByteBuffer(string: "a"))
        pipe.write(ByteBuffer())
        pipe.write(ByteBuffer(string: "b"))
        pipe.finish(1)
        pipe.finish(2)
        pipe.write(ByteBuffer(string: "late"))
        var seen: [String] = []
        for _ in 0..<4 {
            switch await pipe.next() {
            case .bytes(let bytes): seen.append(String(buffer: bytes))
            case .end(let end): seen.append("end \(end)")
            }
        }
        #expect(seen == ["a", "b", "end 1", "end 1"])
    }

    @Test func `a reader that waits gets what is written`() async {
        let pipe = BytePipe<Void>()
        async let first = pipe.next()
        pipe.write(ByteBuffer(string: "a"))
        guard case .bytes(let bytes) = await first else {
            Issue.record("no bytes")
            return
        }
        #expect(String(buffer: bytes) == "a")
    }

    @Test(arguments: ["next", "finish", "abandon"])
    func `a writer waits until there is room`(_ way: String) async {
        let pipe = BytePipe<Void>()
        pipe.write(ByteBuffer(repeating: 1, count: 65_535))
        await pipe.waitForRoom()
        pipe.write(ByteBuffer(repeating: 1, count: 1))
        #expect(pipe.isFull)
        async let room: Void = pipe.waitForRoom()
        switch way {
        case "next": _ = await pipe.next()
        case "finish": pipe.finish(())
        default: pipe.abandon()
        }
        await room
        #expect(!pipe.isFull)
    }

    @Test func `a body is not read faster than it is taken`() async throws {
        let total = 200_000_000
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, bodyLimit: 1, streams: { $0.method == .PUT }
        ) { request in
            guard let body = request.stream else { return HTTPResponse(status: .badRequest) }
            // Nobody takes anything: the client has to stop.
            _ = try? await eventually("a full pipe") { body.isFull ? true : nil }
            var (largest, count) = (0, 0)
            while case .bytes(let bytes) = await body.next() {
                count += bytes.readableBytes
                largest = max(largest, body.count)
                await Task.yield()
            }
            return HTTPResponse(status: .ok, body: ByteBuffer(string: "\(count) \(largest < 2_000_000)"))
        }
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        try FileHandle(forWritingTo: file).truncate(atOffset: UInt64(total))
        for framing in [["-H", "Transfer-Encoding: chunked"], []] {
            let result = try await runProgram(
                ["curl", "-sS", "--noproxy", "*", "-T", file.path, "http://127.0.0.1:\(server.port)/"] + framing)
            #expect(result.output == "\(total) true", "\(result.errors)")
        }
        await server.stop()
    }

    @Test func `the writer of a response learns that the client is gone`() async throws {
        let events = AsyncStream.makeStream(of: String.self)
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, bodyLimit: 1) { _ in
            // The client leaves before there is a response.
            let never = AsyncStream.makeStream(of: Void.self)
            for await _ in never.stream {}
            return HTTPResponse(
                status: .ok,
                stream: { writer in
                    defer { events.continuation.yield("left") }
                    try await writer.write(ByteBuffer(string: "a"))
                    events.continuation.yield("written")
                })
        }
        let url = "http://127.0.0.1:\(server.port)/"
        _ = try await runProgram(["curl", "-sS", "--noproxy", "*", "--max-time", "1", url])
        var seen = events.stream.makeAsyncIterator()
        #expect(await seen.next() == "left")
        await server.stop()
    }

    @Test func `a body that nobody reads is dropped`() async throws {
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, bodyLimit: 1, streams: { _ in true }
        ) { _ in HTTPResponse(status: .forbidden) }
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(count: 5_000_000).write(to: file)
        let result = try await runProgram(
            [
                "curl", "-sS", "--noproxy", "*", "-T", file.path, "-H", "Expect:", "-w", "%{http_code}",
                "http://127.0.0.1:\(server.port)/",
            ])
        #expect(result.output == "403", "\(result.errors)")
        await server.stop()
    }
}
