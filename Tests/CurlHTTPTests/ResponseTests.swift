// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

/// What a response may look like.
@Suite(.timeLimit(.minutes(1)))
struct ResponseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var method = HTTPMethod.get
        /// With `\n` for line ends.
        var bytes: String
        var pieceSize = Int.max
        var status = 200
        var fields: [[String]] = []
        var body = ""
        /// Whether the server closes after it.
        var closes = false

        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "a body", bytes: "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", body: "abc"),
        Case(
            name: "one byte at a time",
            bytes: "HTTP/1.1 200 OK\nA: b\nTransfer-Encoding: chunked\n\n2\nab\n3\ncde\n0\n\n", pieceSize: 1,
            fields: [["a", "b"]], body: "abcde"),
        Case(
            name: "chunks with extension and trailer",
            bytes: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2;x=y\nab\n0\nHTTP/trailer: 1\nT: 2\n\n",
            fields: [["T"]], body: "ab"),
        Case(name: "an empty body", bytes: "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        Case(
            name: "a body until the end", bytes: "HTTP/1.1 200 OK\n\nabc", body: "abc", closes: true),
        Case(
            name: "202", bytes: "HTTP/1.1 202 Accepted\nContent-Length: 16\n\n{\"status\":\"OK\"}\u{1}", status: 202,
            body: "{\"status\":\"OK\"}\u{1}"),
        Case(name: "204", bytes: "HTTP/1.1 204 No Content\n\n", status: 204),
        Case(name: "304 with a length", bytes: "HTTP/1.1 304 Not Modified\nContent-Length: 99\n\n", status: 304),
        Case(
            name: "HEAD with a length", method: .head, bytes: "HTTP/1.1 200 OK\nContent-Length: 99\n\n",
            fields: [["content-length", "99"]]),
        Case(name: "500", bytes: "HTTP/1.1 500 Oh\nContent-Length: 1\n\nx", status: 500, body: "x"),
        Case(name: "a redirect", bytes: "HTTP/1.1 302 Found\nLocation: /x\nContent-Length: 0\n\n", status: 302),
        Case(name: "no reason phrase", bytes: "HTTP/1.1 200\nContent-Length: 0\n\n"),
        Case(
            name: "an empty header",
            bytes: "HTTP/1.1 200 OK\nTenant:\nBlank:  \t\nContent-Length: 0\n\n",
            fields: [["tenant", ""], ["Blank", ""], ["missing"]]),
        Case(
            name: "duplicate headers",
            bytes: "HTTP/1.1 200 OK\nA: 1\nB: x\na: 2\nA:\t3 \nContent-Length: 0\n\n",
            fields: [["A", "1", "2", "3"], ["B", "x"]]),
        Case(
            name: "a folded header", bytes: "HTTP/1.1 200 OK\nA: 1\n\t 2\nContent-Length: 0\n\n",
            fields: [["A", "1 2"]]),
        Case(
            name: "interim responses",
            bytes: "HTTP/1.1 100 Continue\nA: 0\n\nHTTP/1.1 103 Early Hints\nA: 1\n\n"
                + "HTTP/1.1 200 OK\nA: 2\nContent-Length: 1\n\nx", fields: [["A", "2"]], body: "x"),
        Case(
            name: "a header in UTF-8 and a body with NUL",
            bytes: "HTTP/1.1 200 OK\nContext: {\"k\":\"é:✓\"}\nContent-Length: 3\n\n\0\0\0",
            fields: [["context", "{\"k\":\"é:✓\"}"]], body: "\0\0\0"),
    ]

    @Test(arguments: cases, [false, true])
    func `a response is read as it was meant`(_ test: Case, streamed: Bool) async throws {
        let server = try SocketServer { connection in
            // Twice, to see that the end of the first was found.
            for _ in 0..<2 where connection.readRequest() != nil {
                let bytes = test.bytes.replacing("\n", with: "\r\n").replacing("\u{1}", with: "\n")
                connection.write(Array(bytes.utf8), pieceSize: test.pieceSize)
                if test.closes { return }
            }
        }
        let responses = try await onThread { () -> [HTTPResponse] in
            let transfer = try Transfer()
            let request = HTTPRequest(method: test.method, url: server.url)
            return try (0..<2).map { _ in
                guard streamed else { return try transfer.perform(request) }
                var body: [UInt8] = []
                let head = try transfer.perform(request) {
                    body += $0
                    return .proceed
                }
                return HTTPResponse(head: head, body: body)
            }
        }
        for response in responses {
            #expect(response.status == test.status)
            #expect(response.body == Array(test.body.replacing("\u{1}", with: "\n").utf8))
            for expected in test.fields {
                #expect(response.fields.values(for: expected[0]) == Array(expected.dropFirst()))
                #expect(response.fields[expected[0]] == expected.dropFirst().first)
            }
        }
        #expect(server.connectionCount == (test.closes ? 2 : 1))
    }

    struct BadCase: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var ending = Ending.close
        var code: HTTPError.Code
        /// `nil` where a reset may overtake what was written before it.
        var hasBegun: Bool? = true
        var limit = 1000

        enum Ending { case close, reset, stay }
        var testDescription: String { name }
    }

    static let badCases: [BadCase] = [
        BadCase(name: "nothing", bytes: "", code: .emptyReply, hasBegun: false),
        BadCase(name: "a reset", bytes: "", ending: .reset, code: .connectionReset, hasBegun: false),
        BadCase(
            name: "half a head", bytes: "HTTP/1.1 200 OK\nA: b\n", code: .truncatedResponse),
        BadCase(
            name: "half a header line", bytes: "HTTP/1.1 200 OK\nA: b\nCo", code: .truncatedResponse),
        BadCase(name: "half a status line", bytes: "HTTP/1", code: .emptyReply, hasBegun: false),
        BadCase(
            name: "half a body", bytes: "HTTP/1.1 200 OK\nContent-Length: 9\n\nabc", code: .truncatedResponse),
        BadCase(
            name: "a chunk missing", bytes: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n",
            code: .truncatedResponse),
        BadCase(
            name: "a chunk without a size", bytes: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nxyz\n",
            code: .protocolViolation),
        BadCase(
            name: "a reset in the body", bytes: "HTTP/1.1 200 OK\nContent-Length: 9\n\nabc", ending: .reset,
            code: .connectionReset, hasBegun: nil),
        BadCase(name: "no HTTP", bytes: "hello\n\n", ending: .stay, code: .protocolViolation, hasBegun: false),
        BadCase(
            name: "a header without a colon", bytes: "HTTP/1.1 200 OK\nbad\n\n", ending: .stay,
            code: .protocolViolation),
        BadCase(
            name: "a length too large", bytes: "HTTP/1.1 200 OK\nContent-Length: 1001\n\n" + long(1001), ending: .stay,
            code: .responseTooLarge),
        BadCase(
            name: "chunks too large",
            bytes: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1f4\n\(long(500))\n1f5\n\(long(501))\n",
            ending: .stay, code: .responseTooLarge),
        BadCase(
            name: "endless headers",
            bytes: "HTTP/1.1 200 OK\n" + String(repeating: "A: \(long(1000))\n", count: 300), ending: .stay,
            code: .responseTooLarge),
    ]

    static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test(arguments: badCases)
    func `a bad response is an error that says so`(_ test: BadCase) async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write(test.bytes.replacing("\n", with: "\r\n"))
            switch test.ending {
            case .close: connection.close()
            case .reset: connection.reset()
            case .stay: connection.waitForEnd()
            }
        }
        let error = try await onThread {
            let limits = HTTPLimits(timeout: .seconds(20), maximumBodySize: test.limit)
            return try failure { try Transfer().perform(HTTPRequest(method: .post, url: server.url), limits: limits) }
        }
        #expect(error.code == test.code, "\(error)")
        #expect(error.requestWasSent)
        #expect(error.responseHasBegun == test.hasBegun ?? error.responseHasBegun)
        #expect(server.requests.count == 1)
    }

    @Test func `a body of exactly the limit is not too large`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer(Self.long(1000))
        }
        let response = try await onThread {
            try Transfer().perform(HTTPRequest(url: server.url), limits: HTTPLimits(maximumBodySize: 1000))
        }
        #expect(response.body.count == 1000)
    }
}
