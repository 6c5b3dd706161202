// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Testing

/// Synchronous transfers that are called off.
@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
    /// Calls off as soon as the server has read the request, and answers with the error and the time it took.
    private func cancelAfterRequest(
        answering prefix: String, _ body: @escaping @Sendable (String, Canceller) throws -> Void
    ) async throws -> (HTTPError, Duration) {
        let canceller = Canceller()
        let cancelled = Box<ContinuousClock.Instant?>(nil)
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write(prefix)
            cancelled.update { $0 = .now }
            canceller.cancel()
            connection.waitForEnd()
        }
        // Measured on the thread: the pool may be busy with other tests.
        let (error, ended) = try await onThread {
            (try failure { try body(server.url, canceller) }, ContinuousClock.now)
        }
        let elapsed = try ended - #require(cancelled.value)
        try await waitUntil("the connection is closed") { server.openCount == 0 }
        return (error, elapsed)
    }

    @Test func `it ends while waiting for the head`() async throws {
        let (error, elapsed) = try await cancelAfterRequest(answering: "") { url, canceller in
            _ = try Transfer().perform(HTTPRequest(url: url), canceller: canceller)
        }
        #expect(error.code == .cancelled)
        #expect(error.requestWasSent)
        #expect(elapsed < .seconds(20))
    }

    @Test func `it ends while waiting for the body`() async throws {
        let prefix = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
        let (error, elapsed) = try await cancelAfterRequest(answering: prefix) { url, canceller in
            try Transfer().perform(HTTPRequest(url: url), canceller: canceller) { _ in .proceed }
        }
        #expect(error.code == .cancelled)
        #expect(elapsed < .seconds(20))
    }

    @Test func `it does not begin when called off before`() async throws {
        let server = try SocketServer { connection in connection.waitForEnd() }
        let canceller = Canceller()
        canceller.cancel()
        let error = try await onThread {
            try failure { try Transfer().perform(HTTPRequest(url: server.url), canceller: canceller) }
        }
        #expect(error.code == .cancelled)
        #expect(!error.requestWasSent)
        #expect(server.connectionCount == 0)
    }

    @Test func `the end of a task can call it off`() async throws {
        let arrived = Gate()
        let server = try SocketServer { connection in
            connection.readRequest()
            arrived.open()
            connection.waitForEnd()
        }
        let task = Task {
            let canceller = Canceller()
            return try await withTaskCancellationHandler {
                try await onThread {
                    try failure { try Transfer().perform(HTTPRequest(url: server.url), canceller: canceller) }
                }
            } onCancel: {
                canceller.cancel()
            }
        }
        try await onThread { arrived.wait() }
        task.cancel()
        #expect(try await task.value.code == .cancelled)
    }

    @Test func `a transfer goes on to serve after it, and others are not touched`() async throws {
        let server = try SocketServer { connection in
            while let request = connection.readRequest() {
                if request.hasPrefix("GET /slow") { return connection.waitForEnd() }
                connection.answer("x")
            }
        }
        try await onThread {
            let transfer = try Transfer()
            for _ in 0..<20 {
                let canceller = Canceller()
                canceller.cancel()
                _ = try failure { try transfer.perform(HTTPRequest(url: server.url + "/slow"), canceller: canceller) }
                #expect(try transfer.perform(HTTPRequest(url: server.url), canceller: Canceller()).body == [0x78])
            }
        }
    }

    @Test(arguments: [true, false])
    func `a closure can stop it`(atHead: Bool) async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.waitForEnd()
        }
        let bytes = Box<[UInt8]>([])
        let error = try await onThread {
            try failure {
                try Transfer().perform(
                    HTTPRequest(url: server.url), onHead: { _ in atHead ? .stop : .proceed },
                    onBody: { chunk in
                        bytes.update { $0 += chunk }
                        return .stop
                    })
            }
        }
        #expect(error.code == .cancelled)
        #expect(String(bytes.value) == (atHead ? "" : "abc"))
        try await waitUntil("the connection is closed") { server.openCount == 0 }
    }

    @Test func `a slow reader slows the peer down`() async throws {
        let total = 50 << 20
        let firstPush = Box(0)
        let stalled = Gate()
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let sent = connection.push(total)
            firstPush.update { $0 = sent }
            stalled.open()
            var rest = total - sent
            while rest > 0 { rest -= connection.push(rest) }
        }
        let (received, largest) = try await onThread { () -> (Int, Int) in
            var received = 0
            var largest = 0
            try Transfer().perform(HTTPRequest(url: server.url)) { chunk in
                stalled.wait()
                received += chunk.count
                largest = max(largest, chunk.count)
                return .proceed
            }
            return (received, largest)
        }
        #expect(firstPush.value < 16 << 20)
        #expect(received == total)
        #expect(largest <= 272 << 10)
    }
}
