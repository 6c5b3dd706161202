// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import CurlHTTP

/// The asynchronous client.
@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
    @Test func `responses come whole`() async throws {
        let server = try SocketServer { connection in
            while let request = connection.readRequest() {
                connection.answer(request.hasPrefix("GET /empty") ? "" : "body", headers: "A: 1\r\n")
            }
        }
        let client = HTTPClient()
        for _ in 0..<3 {
            let response = try await client.send(HTTPRequest(url: server.url))
            #expect(response.status == 200)
            #expect(response.fields["a"] == "1")
            #expect(String(response.body) == "body")
            #expect(try await client.send(HTTPRequest(url: server.url + "/empty")).body == [])
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `a body is streamed as it arrives`() async throws {
        let gates = (0..<5).map { _ in Gate() }
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for (index, gate) in gates.enumerated() {
                gate.wait()
                connection.write("1\r\n\(index)\r\n")
            }
            connection.write("0\r\n\r\n")
            connection.waitForEnd()
        }
        let stream = try await HTTPClient().stream(HTTPRequest(url: server.url))
        #expect(stream.head.status == 200)
        // The next piece is only written once the one before was read.
        gates[0].open()
        var text = ""
        for try await chunk in stream.body {
            text += String(chunk)
            if gates.indices.contains(text.count) { gates[text.count].open() }
        }
        #expect(text == "01234")
    }

    @Test func `an error after some bytes comes after them`() async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        }
        let stream = try await HTTPClient().stream(HTTPRequest(method: .post, url: server.url))
        var iterator = stream.body.makeAsyncIterator()
        var text = ""
        let error = await #expect(throws: HTTPError.self) {
            while let chunk = try await iterator.next() { text += String(chunk) }
        }
        #expect(text == "abc")
        #expect(error?.code == .truncatedResponse)
        #expect(error?.callSite == "HTTPClient.stream")
    }

    @Test func `many requests run at the same time`() async throws {
        // No one is answered before all have arrived.
        let arrived = Box(0)
        let all = Gate()
        let server = try SocketServer { connection in
            guard let request = connection.readRequest() else { return }
            arrived.update {
                $0 += 1
                if $0 == 20 { all.open() }
            }
            all.wait()
            connection.answer(String(request.split(separator: " ")[1]))
            connection.waitForEnd()
        }
        let client = HTTPClient()
        let bodies = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for index in 0..<20 {
                group.addTask {
                    (index, String(try await client.send(HTTPRequest(url: "\(server.url)/\(index)")).body))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(bodies.count == 20)
        #expect(bodies.allSatisfy { $1 == "/\($0)" })
    }

    @Test func `a refused connection is an error, and the client goes on`() async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        let port = try SocketServer.refusingPort()
        let client = HTTPClient()
        for _ in 0..<3 {
            let error = await #expect(throws: HTTPError.self) {
                try await client.send(HTTPRequest(method: .post, url: "http://127.0.0.1:\(port)"))
            }
            #expect(error?.code == .connectionRefused)
            #expect(error?.requestWasSent == false)
            #expect(try await client.send(HTTPRequest(url: server.url)).body == [0x78])
        }
    }

    @Test func `limits hold`() async throws {
        let server = try SocketServer { connection in
            while let request = connection.readRequest() {
                if request.hasPrefix("GET /slow") { return connection.waitForEnd() }
                connection.answer("too large")
            }
        }
        let client = HTTPClient()
        let limits = HTTPLimits(timeout: .milliseconds(50), maximumBodySize: 8)
        let slow = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest(url: server.url + "/slow"), limits: limits)
        }
        #expect(slow?.code == .timedOut)
        let large = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest(url: server.url), limits: HTTPLimits(maximumBodySize: 8))
        }
        #expect(large?.code == .responseTooLarge)
    }

    @Test func `a cancelled task ends its request`() async throws {
        let arrived = Gate()
        let server = try SocketServer { connection in
            connection.readRequest()
            arrived.open()
            connection.waitForEnd()
        }
        let client = HTTPClient()
        let task = Task { try await client.send(HTTPRequest(url: server.url)) }
        try await onThread { arrived.wait() }
        task.cancel()
        let error = await #expect(throws: HTTPError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await waitUntil("the connection is closed") { server.openCount == 0 }
    }

    @Test func `a task cancelled before does not wait`() async throws {
        let server = try SocketServer { connection in connection.waitForEnd() }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await HTTPClient().send(HTTPRequest(url: server.url))
        }
        let error = await #expect(throws: HTTPError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test func `a cancelled task ends the stream that it reads`() async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
            connection.waitForEnd()
        }
        let reading = Gate()
        let stream = try await HTTPClient().stream(HTTPRequest(url: server.url))
        let task = Task {
            for try await _ in stream.body { reading.open() }
        }
        try await onThread { reading.wait() }
        task.cancel()
        let error = await #expect(throws: HTTPError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await waitUntil("the connection is closed") { server.openCount == 0 }
    }

    @Test(arguments: [true, false])
    func `a stream that is dropped or cancelled closes its connection`(dropped: Bool) async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
            connection.waitForEnd()
        }
        let client = HTTPClient()
        var stream: HTTPStream? = try await client.stream(HTTPRequest(url: server.url))
        #expect(server.openCount == 1)
        if dropped { stream = nil } else { stream?.cancel() }
        try await waitUntil("the connection is closed") { server.openCount == 0 }
        if let stream {
            let error = await #expect(throws: HTTPError.self) { try await stream.body.collect() }
            #expect(error?.code == .cancelled)
        }
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
        let client = HTTPClient()
        let stream = try await client.stream(HTTPRequest(url: server.url))
        try await onThread { stalled.wait() }
        #expect(firstPush.value < 16 << 20)
        // Others are not held up by it.
        let other = try SocketServer { connection in
            connection.readRequest()
            connection.answer("x")
        }
        #expect(try await client.send(HTTPRequest(url: other.url)).body == [0x78])
        var received = 0
        var largest = 0
        for try await chunk in stream.body {
            received += chunk.count
            largest = max(largest, chunk.count)
        }
        #expect(received == total)
        #expect(largest <= 272 << 10)
    }

    @Test func `a stream keeps its client, and nothing else keeps the thread`() async throws {
        let more = Gate()
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            more.wait()
            connection.write("def")
            connection.waitForEnd()
        }
        weak var loop: TransferLoop?
        do {
            var client: HTTPClient? = HTTPClient()
            let stream = try await #require(client).stream(HTTPRequest(url: server.url))
            loop = client?.loop
            client = nil
            more.open()
            #expect(String(try await stream.body.collect()) == "abcdef")
        }
        // The thread holds the loop until it ends.
        try await waitUntil("the thread has ended") { loop == nil }
        try await waitUntil("the connection is closed") { server.openCount == 0 }
    }

    @Test func `two readers of one body are told`() async throws {
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            connection.waitForEnd()
        }
        let stream = try await HTTPClient().stream(HTTPRequest(url: server.url))
        let errors = await withTaskGroup(of: HTTPError?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do throws(HTTPError) {
                        _ = try await stream.body.collect()
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var errors = [await group.next() ?? nil]
            stream.cancel()
            errors.append(await group.next() ?? nil)
            return errors
        }
        #expect(errors.map { $0?.code } == [.invalidRequest, .cancelled])
    }

    @Test func `events are read from a stream`() async throws {
        let text = "retry: 10\n\ndata: {\"a\":1}\n\n: ping\n\nevent: end\ndata: [DONE]\n\ndata: lost"
        let server = try SocketServer { connection in
            connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            connection.write(Array(text.utf8), pieceSize: 3)
        }
        let stream = try await HTTPClient().stream(HTTPRequest(url: server.url))
        var events: [ServerSentEvent] = []
        for try await event in stream.events { events.append(event) }
        #expect(events == [ServerSentEvent(data: "{\"a\":1}"), ServerSentEvent(type: "end", data: "[DONE]")])
    }

    @Test func `requests under cancellation neither hang nor lose their result`() async throws {
        let server = try SocketServer { connection in
            while connection.readRequest() != nil { connection.answer("body") }
        }
        let client = HTTPClient()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 {
                let task = Task { try await client.send(HTTPRequest(url: server.url)) }
                group.addTask {
                    // Without an order between the two on purpose: any must end in a whole body or in `cancelled`.
                    await Task.yield()
                    task.cancel()
                    do {
                        return String(try await task.value.body) == "body"
                    } catch {
                        return (error as? HTTPError)?.code == .cancelled
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count == 200)
        #expect(outcomes.allSatisfy { $0 })
        #expect(String(try await client.send(HTTPRequest(url: server.url)).body) == "body")
    }
}
