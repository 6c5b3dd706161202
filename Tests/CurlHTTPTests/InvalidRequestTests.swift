// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

/// What is refused before a connection is opened.
struct InvalidRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var request: HTTPRequest
        var code = HTTPError.Code.invalidRequest
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "CR in a value", request: HTTPRequest(url: "http://a", headers: ["A": "b\rC: d"])),
        Case(name: "LF in a value", request: HTTPRequest(url: "http://a", headers: ["A": "b\nC: d"])),
        Case(name: "CRLF in a value", request: HTTPRequest(url: "http://a", headers: ["A": "b\r\nC: d"])),
        Case(name: "NUL in a value", request: HTTPRequest(url: "http://a", headers: ["A": "b\0c"])),
        Case(name: "LF in a name", request: HTTPRequest(url: "http://a", headers: ["A\nB": ""])),
        Case(name: "a colon in a name", request: HTTPRequest(url: "http://a", headers: ["A:": ""])),
        Case(name: "a semicolon in a name", request: HTTPRequest(url: "http://a", headers: ["A;": ""])),
        Case(name: "an empty name", request: HTTPRequest(url: "http://a", headers: ["": "a"])),
        Case(name: "a length", request: HTTPRequest(url: "http://a", headers: ["content-length": "3"])),
        Case(name: "a transfer encoding", request: HTTPRequest(url: "http://a", headers: ["Transfer-Encoding": "x"])),
        Case(name: "an expectation", request: HTTPRequest(url: "http://a", headers: ["Expect": "100-continue"])),
        Case(name: "a blank in the method", request: HTTPRequest(method: "GET /x", url: "http://a")),
        Case(name: "an empty method", request: HTTPRequest(method: "", url: "http://a")),
        Case(name: "HEAD with a body", request: HTTPRequest(method: .head, url: "http://a", body: [1])),
        Case(name: "an empty URL", request: HTTPRequest(url: ""), code: .invalidURL),
        Case(name: "no scheme", request: HTTPRequest(url: "127.0.0.1/"), code: .invalidURL),
        Case(name: "a file", request: HTTPRequest(url: "file:///etc/passwd"), code: .invalidURL),
        Case(name: "no host", request: HTTPRequest(url: "http:///a"), code: .invalidURL),
        Case(name: "a bad port", request: HTTPRequest(url: "http://127.0.0.1:x/"), code: .invalidURL),
        Case(name: "a large port", request: HTTPRequest(url: "http://127.0.0.1:99999/"), code: .invalidURL),
        Case(name: "a line break", request: HTTPRequest(url: "http://a/\r\nX: y"), code: .invalidURL),
        Case(name: "a NUL", request: HTTPRequest(url: "http://a\0.b/"), code: .invalidURL),
        Case(name: "a blank", request: HTTPRequest(url: "http://a/b c"), code: .invalidURL),
        Case(name: "beyond ASCII", request: HTTPRequest(url: "http://a/é"), code: .invalidURL),
        Case(name: "a password", request: HTTPRequest(url: "http://user:secret@127.0.0.1/"), code: .invalidURL),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: cases)
    func `it is refused`(_ test: Case) async throws {
        let error = try await onThread { try failure { try Transfer().perform(test.request) } }
        #expect(error.code == test.code, "\(error)")
        #expect(!error.requestWasSent)
        #expect(!error.isRetryable)
        #expect(!"\(error)".contains("secret"))

        let asyncError = await #expect(throws: HTTPError.self) { try await HTTPClient().send(test.request) }
        #expect(asyncError?.code == test.code)
    }

    @Test func `trailers are checked, too`() async throws {
        let server = try SocketServer { connection in connection.waitForEnd() }
        let error = try await onThread {
            try failure {
                try Transfer().perform(HTTPRequest(method: .post, url: server.url)) { .end(trailers: ["A": "b\nc"]) }
            }
        }
        #expect(error.code == .invalidRequest)
    }

    @Test func `a transfer cannot be used from its own closures`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("x")
        }
        let inner = try await onThread { () -> HTTPError? in
            let transfer = try Transfer()
            var inner: HTTPError?
            try transfer.perform(HTTPRequest(url: server.url)) { _ in
                do throws(HTTPError) {
                    _ = try transfer.perform(HTTPRequest(url: server.url))
                } catch {
                    inner = error
                }
                return .proceed
            }
            return inner
        }
        #expect(inner?.code == .invalidRequest)
    }
}
