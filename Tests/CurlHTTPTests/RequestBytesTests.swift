// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

/// What reaches the wire, byte for byte.
@Suite(.timeLimit(.minutes(1)))
struct RequestBytesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var request: HTTPRequest
        var options = HTTPOptions()
        /// With `HOST` where host and port stand, and `\n` for line ends.
        var bytes: String

        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "a plain GET",
            request: HTTPRequest(url: "/2018-06-01/runtime/invocation/next"),
            bytes: "GET /2018-06-01/runtime/invocation/next HTTP/1.1\nHost: HOST\n\n"),
        Case(
            name: "a GET with a user agent",
            request: HTTPRequest(url: "/"), options: HTTPOptions(userAgent: "perdure/1"),
            bytes: "GET / HTTP/1.1\nHost: HOST\nUser-Agent: perdure/1\n\n"),
        Case(
            name: "a POST",
            request: HTTPRequest(
                method: .post, url: "/a?b=c#d", headers: ["Content-Type": "application/json", "X": "1", "x": "2"],
                body: Array("{}".utf8)),
            bytes: "POST /a?b=c HTTP/1.1\nHost: HOST\nContent-Type: application/json\nX: 1\nx: 2\n"
                + "Content-Length: 2\n\n{}"),
        Case(
            name: "a POST without a body",
            request: HTTPRequest(method: .post, url: "/a"),
            bytes: "POST /a HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n"),
        Case(
            name: "a body with NUL and line ends",
            request: HTTPRequest(method: .post, url: "/a", body: Array("\0\n\0".utf8)),
            bytes: "POST /a HTTP/1.1\nHost: HOST\nContent-Length: 3\n\n\0\u{1}\0"),
        Case(
            name: "an empty header",
            request: HTTPRequest(url: "/a", headers: ["X-Empty": "", "X-Blank": " \t ", "X-Full": "a;b: c"]),
            bytes: "GET /a HTTP/1.1\nHost: HOST\nX-Empty:\nX-Blank:\nX-Full: a;b: c\n\n"),
        Case(
            name: "an Accept header",
            request: HTTPRequest(url: "/a", headers: ["accept": "text/event-stream"]),
            bytes: "GET /a HTTP/1.1\nHost: HOST\naccept: text/event-stream\n\n"),
        Case(
            name: "a PUT", request: HTTPRequest(method: .put, url: "/a", body: Array("x".utf8)),
            bytes: "PUT /a HTTP/1.1\nHost: HOST\nContent-Length: 1\n\nx"),
        Case(
            name: "a DELETE", request: HTTPRequest(method: .delete, url: "/a"),
            bytes: "DELETE /a HTTP/1.1\nHost: HOST\n\n"),
        Case(
            name: "a DELETE with a body", request: HTTPRequest(method: .delete, url: "/a", body: Array("x".utf8)),
            bytes: "DELETE /a HTTP/1.1\nHost: HOST\nContent-Length: 1\n\nx"),
        Case(
            name: "a HEAD", request: HTTPRequest(method: .head, url: "/a"),
            bytes: "HEAD /a HTTP/1.1\nHost: HOST\n\n"),
        Case(
            name: "dot segments and escapes", request: HTTPRequest(url: "/a/../b/%2E%2e/./c%20d"),
            bytes: "GET /a/../b/%2E%2e/./c%20d HTTP/1.1\nHost: HOST\n\n"),
    ]

    @Test(arguments: cases)
    func `a request is sent exactly so`(_ test: Case) async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
        }
        try await onThread {
            var request = test.request
            request.url = server.url + request.url
            let transfer = try Transfer(options: test.options)
            #expect(try transfer.perform(request).status == 200)
        }
        var expected = test.bytes.replacing("HOST", with: "127.0.0.1:\(server.port)").replacing("\n", with: "\r\n")
        expected = expected.replacing("\u{1}", with: "\n")
        #expect(server.requestTexts == [expected])
    }

    @Test func `the asynchronous client sends the same bytes`() async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer() }
        }
        let request = HTTPRequest(method: .post, url: server.url + "/a?b", headers: ["A": ""], body: Array("xy".utf8))
        _ = try await HTTPClient(options: HTTPOptions(userAgent: "u")).send(request)
        try await onThread { _ = try Transfer(options: HTTPOptions(userAgent: "u")).perform(request) }
        #expect(server.requests.count == 2)
        #expect(server.requests.first == server.requests.last)
    }

    @Test func `a large body is sent without asking first`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
        }
        let body = [UInt8](repeating: 7, count: 3 << 20)
        let limits = HTTPLimits(timeout: .seconds(20))
        _ = try await onThread {
            try Transfer().perform(HTTPRequest(method: .post, url: server.url, body: body), limits: limits)
        }
        let request = try #require(server.requests.first)
        #expect(Array(request.suffix(body.count)) == body)
        #expect(!String(decoding: request.prefix(200), as: UTF8.self).contains("Expect"))
    }

    @Test(arguments: [(64 << 10) - 1, 64 << 10, (1 << 20) + 1])
    func `a body arrives as it is, however libcurl takes it`(_ size: Int) async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer() }
        }
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let request = HTTPRequest(method: .post, url: server.url, body: body)
        try await onThread {
            let transfer = try Transfer()
            for _ in 0..<2 { _ = try transfer.perform(request) }
        }
        _ = try await HTTPClient().send(request)
        #expect(server.requests.map { $0.suffix(size) == body[...] } == [true, true, true])
        #expect(server.requestTexts.allSatisfy { $0.contains("\r\nContent-Length: \(size)\r\n\r\n") })
    }

    @Test func `a body in chunks ends with its trailers`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("done")
        }
        let response = try await onThread {
            var chunks = [
                HTTPUploadChunk.bytes(Array("one".utf8)), .bytes([]), .bytes(Array("three".utf8)),
                .end(trailers: ["T-Type": "Function.Failed", "T-Body": "eyJ9"]),
            ][...]
            let request = HTTPRequest(method: .post, url: server.url + "/r", headers: ["Trailer": "T-Type, T-Body"])
            return try Transfer().perform(request) { chunks.popFirst() ?? .end() }
        }
        #expect(response.body == Array("done".utf8))
        let expected =
            "POST /r HTTP/1.1\nHost: 127.0.0.1:\(server.port)\nTransfer-Encoding: chunked\nTrailer: T-Type, T-Body\n\n"
            + "3\none\n5\nthree\n0\nT-Type: Function.Failed\nT-Body: eyJ9\n\n"
        #expect(server.requestTexts == [expected.replacing("\n", with: "\r\n")])
    }

    @Test func `chunks that are never asked for do not hold up an early response`() async throws {
        let server = try SocketServer { connection in
            connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.waitForEnd()
        }
        let chunkCount = Box(0)
        let response = try await onThread {
            try Transfer().perform(HTTPRequest(method: .post, url: server.url)) {
                chunkCount.update { $0 += 1 }
                return .bytes([UInt8](repeating: 1, count: 1000))
            }
        }
        #expect(response.status == 413)
        #expect(chunkCount.value < 100_000)
    }
}
