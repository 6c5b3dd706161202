// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Foundation
import Testing

/// When connections are kept, lost, refused and called off.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    @Test func `one connection serves many requests`() async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        try await onThread {
            let transfer = try Transfer()
            for method in [HTTPMethod.get, .post, .get, .put, .delete] {
                #expect(try transfer.perform(HTTPRequest(method: method, url: server.url)).body == [0x78])
            }
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `a request can ask for a new connection and for its end`() async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer("\(connection.index)") }
        }
        let bodies = try await onThread { () -> [String] in
            let transfer = try Transfer()
            var fresh = HTTPRequest(url: server.url)
            fresh.opensNewConnection = true
            var last = HTTPRequest(url: server.url)
            last.closesConnection = true
            let plain = HTTPRequest(url: server.url)
            return try [plain, plain, fresh, last, plain].map { String(try transfer.perform($0).body) }
        }
        #expect(bodies[..<3] == ["0", "0", "1"])
        #expect(server.connectionCount >= 2)
        // The last request closed the connection that it used.
        try await waitUntil("all connections are closed") { server.openCount == 0 }
    }

    @Test(arguments: [HTTPMethod.get, .post])
    func `a kept connection that has been closed is replaced`(_ method: HTTPMethod) async throws {
        let closed = [Gate(), Gate(), Gate()]
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("\(connection.index)")
            connection.closeAcknowledged()
            closed[connection.index].open()
        }
        let bodies = try await onThread { () -> [String] in
            let transfer = try Transfer()
            return try closed.map { closed in
                let body = try transfer.perform(HTTPRequest(method: method, url: server.url)).body
                closed.wait()
                return String(body)
            }
        }
        #expect(bodies == ["0", "1", "2"])
    }

    @Test(arguments: [true, false], [0, 1 << 20])
    func `a POST that meets a dying connection is sent once`(resets: Bool, size: Int) async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
            guard connection.readRequest() != nil else { return }
            if resets { connection.reset() } else { connection.close() }
        }
        let error = try await onThread { () -> HTTPError in
            let transfer = try Transfer()
            let request = HTTPRequest(method: .post, url: server.url, body: [UInt8](repeating: 7, count: size))
            _ = try transfer.perform(request)
            return try failure { try transfer.perform(request) }
        }
        #expect(error.requestWasSent)
        #expect(!error.responseHasBegun)
        #expect(error.isRetryable)
        #expect([.connectionReset, .emptyReply].contains(error.code))
        #expect(server.requests.count == 2)
    }

    @Test func `a GET that meets a dying connection is sent again`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
            guard connection.readRequest() != nil, connection.index == 1 else { return }
            connection.answer("again")
        }
        let body = try await onThread { () -> String in
            let transfer = try Transfer()
            _ = try transfer.perform(HTTPRequest(url: server.url))
            // Meets the end of connection 0, is sent on 1 as its first request.
            _ = try transfer.perform(HTTPRequest(url: server.url))
            return String(try transfer.perform(HTTPRequest(url: server.url)).body)
        }
        #expect(body == "again")
        #expect(server.requests.count == 4)
    }

    @Test func `a GET with a large body that meets a dying connection is sent again from the beginning`() async throws {
        let server = try SocketServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
            _ = connection.readRequest()
        }
        let request = HTTPRequest(url: server.url, body: (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 >> 8) })
        try await onThread {
            let transfer = try Transfer()
            for _ in 0..<2 { #expect(try transfer.perform(request).status == 200) }
        }
        #expect(server.requests.count == 3)
        #expect(Set(server.requests).count == 1)
    }

    @Test func `a proxy of the environment is used only when asked for`() async {
        await #expect(processExitsWith: .success) {
            let server = try SocketServer { connection in
                while connection.readRequest() != nil { connection.answer() }
            }
            for name in ["no_proxy", "NO_PROXY"] { unsetenv(name) }
            for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { setenv(name, server.url, 1) }
            let port = try SocketServer.refusingPort()
            let request = HTTPRequest(method: .post, url: "http://127.0.0.1:\(port)/")
            let (error, status) = try await onThread { () -> (HTTPError, Int) in
                let error = try failure { try Transfer().perform(request) }
                let response = try Transfer(options: HTTPOptions(proxy: .environment)).perform(request)
                return (error, response.status)
            }
            #expect(error.code == .connectionRefused)
            #expect(status == 200)
            #expect(server.requestTexts.map { $0.hasPrefix("POST http://127.0.0.1:\(port)/ ") } == [true])
        }
    }

    @Test func `a refused connection says that nothing was sent`() async throws {
        let port = try SocketServer.refusingPort()
        let error = try await onThread {
            try failure { try Transfer().perform(HTTPRequest(method: .post, url: "http://127.0.0.1:\(port)/")) }
        }
        #expect(error.code == .connectionRefused)
        #expect(error.systemError == ECONNREFUSED)
        #expect(error.curlCode == 7)
        #expect(!error.requestWasSent)
        #expect(error.isRetryable)
    }

    @Test func `an error does not quote the request`() async throws {
        let server = try SocketServer { connection in _ = connection.readRequest() }
        let error = try await onThread {
            let request = HTTPRequest(
                method: .post, url: server.url + "/secret-path?secret-query", headers: ["H": "secret-header"],
                body: Array("secret-body".utf8))
            return try failure { try Transfer().perform(request) }
        }
        #expect(!"\(error)".contains("secret"))
        #expect("\(error)".hasPrefix("Transfer.perform: emptyReply: "))
        #expect("\(error)".hasSuffix(" http://127.0.0.1:\(server.port), request sent"))
    }

    @Test func `a server that does not accept is given up after the connect timeout`() async throws {
        // Two connections fill a backlog of zero and one to spare; the kernel then ignores further attempts.
        let (listener, port) = try SocketServer.listen(backlog: 0)
        var fillers: [Int32] = []
        defer { (fillers + [listener]).forEach { close($0) } }
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            var address = SocketServer.loopback(port: port)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            fillers.append(filler)
        }
        let error = try await onThread {
            let limits = HTTPLimits(connectTimeout: .milliseconds(100), timeout: .seconds(30))
            return try failure {
                try Transfer().perform(HTTPRequest(method: .post, url: "http://127.0.0.1:\(port)"), limits: limits)
            }
        }
        #expect(error.code == .timedOut)
        #expect(!error.requestWasSent)
    }

    @Test func `a server that does not answer is given up after the timeout`() async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.waitForEnd()
        }
        let start = ContinuousClock.now
        let error = try await onThread {
            try failure {
                try Transfer().perform(HTTPRequest(url: server.url), limits: HTTPLimits(timeout: .milliseconds(150)))
            }
        }
        #expect(error.code == .timedOut)
        #expect(error.requestWasSent)
        #expect(!error.responseHasBegun)
        #expect(ContinuousClock.now - start >= .milliseconds(150))
        try await waitUntil("the connection is closed") { server.openCount == 0 }
    }

    @Test func `a server that falls silent is given up after the idle timeout`() async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.waitForEnd()
        }
        let error = try await onThread {
            let limits = HTTPLimits(timeout: .seconds(50), idleTimeout: .seconds(1))
            return try failure { try Transfer().perform(HTTPRequest(url: server.url), limits: limits) }
        }
        #expect(error.code == .timedOut)
        #expect(error.responseHasBegun)
    }

    @Test func `a transfer is of use after every kind of failure`() async throws {
        let server = try SocketServer { connection in
            while let request = connection.readRequest() {
                if request.hasPrefix("GET /slow") { return connection.waitForEnd() }
                if request.hasPrefix("GET /large") {
                    connection.answer("too large")
                    return connection.waitForEnd()
                }
                if request.hasPrefix("GET /drop") { return }
                connection.answer("x")
            }
        }
        let port = try SocketServer.refusingPort()
        try await onThread {
            let transfer = try Transfer()
            let limits = HTTPLimits(timeout: .milliseconds(50), maximumBodySize: 2)
            for url in ["\(server.url)/slow", "\(server.url)/large", "\(server.url)/drop", "http://127.0.0.1:\(port)"] {
                let error = try failure { try transfer.perform(HTTPRequest(url: url), limits: limits) }
                #expect(error.curlCode != nil || error.code == .responseTooLarge)
                #expect(try transfer.perform(HTTPRequest(method: .post, url: server.url)).body == [0x78])
            }
        }
    }
}
