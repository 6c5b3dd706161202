// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Testing

@testable import CurlHTTP

/// The meeting of the loop's thread and a task, in orders that a real connection brings about too rarely.
@Suite(.timeLimit(.minutes(1)))
struct ExchangeTests {
    private func makeExchange() -> Exchange {
        let loop = TransferLoop(options: HTTPOptions())
        return Exchange(
            HTTPRequest(url: "http://a"), limits: HTTPLimits(), isStreaming: true, callSite: "test", loop: loop)
    }

    @Test func `a body that was not taken is not an empty one after a cancellation`() async throws {
        let exchange = makeExchange()
        _ = exchange.deliver(head: HTTPResponseHead(status: 200), body: [1], isPaused: false)
        exchange.finish(nil)
        exchange.cancel()
        #expect(try await exchange.head().status == 200)
        let error = await #expect(throws: HTTPError.self) { try await exchange.nextChunk() }
        #expect(error?.code == .cancelled)
    }

    @Test func `what was taken before a cancellation stays complete`() async throws {
        let exchange = makeExchange()
        _ = exchange.deliver(head: HTTPResponseHead(status: 200), body: [1], isPaused: false)
        exchange.finish(nil)
        #expect(try await exchange.nextChunk() == [1])
        exchange.cancel()
        #expect(try await exchange.nextChunk() == nil)
    }

    @Test func `the first end counts`() async throws {
        let exchange = makeExchange()
        exchange.cancel()
        #expect(exchange.deliver(head: HTTPResponseHead(status: 200), body: [1], isPaused: false) == 0)
        exchange.finish(nil)
        let error = await #expect(throws: HTTPError.self) { try await exchange.head() }
        #expect(error?.code == .cancelled)
    }

    @Test func `pieces that nobody took are handed over as one`() async throws {
        let exchange = makeExchange()
        #expect(exchange.deliver(head: HTTPResponseHead(status: 200), body: [1], isPaused: false) == 1)
        #expect(exchange.deliver(head: nil, body: [2, 3], isPaused: false) == 3)
        exchange.finish(nil)
        #expect(try await exchange.nextChunk() == [1, 2, 3])
        #expect(try await exchange.nextChunk() == nil)
        #expect(try await exchange.nextChunk() == nil)
    }
}
