// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Performs HTTP requests for tasks: many at a time, whole or as a stream, without blocking their threads.
///
/// One thread of its own drives all transfers of a client. It starts with the first request and ends when the client,
/// and every ``HTTPStream`` from it, are gone. Connections are kept for the next requests to the same host. Cancelling a
/// task ends its request and closes the connection.
public final class HTTPClient: Sendable {
    let loop: TransferLoop

    /// Makes a client; nothing is opened before the first request.
    public init(options: HTTPOptions = HTTPOptions()) {
        loop = TransferLoop(options: options)
    }

    deinit {
        loop.stop()
    }

    /// Performs a request and returns the whole response.
    ///
    /// A `GET` or `HEAD` that finds its kept connection dead is sent again on a new one by libcurl, no other method is.
    public func send(_ request: HTTPRequest, limits: HTTPLimits = HTTPLimits()) async throws(HTTPError)
        -> HTTPResponse
    {
        defer { withExtendedLifetime(self) {} }
        let exchange = try start(request, limits: limits, isStreaming: false, callSite: "HTTPClient.send")
        let head = try await exchange.head()
        return HTTPResponse(head: head, body: try await exchange.nextChunk() ?? [])
    }

    /// Performs a request and returns as soon as the head of the response is here; the body follows as it arrives.
    ///
    /// The limits hold for the whole of it: a `timeout` also ends a stream that is still being read.
    public func stream(_ request: HTTPRequest, limits: HTTPLimits = HTTPLimits()) async throws(HTTPError)
        -> HTTPStream
    {
        let exchange = try start(request, limits: limits, isStreaming: true, callSite: "HTTPClient.stream")
        let reader = HTTPStream.Reader(exchange, client: self)
        return HTTPStream(head: try await exchange.head(), reader: reader)
    }

    private func start(_ request: HTTPRequest, limits: HTTPLimits, isStreaming: Bool, callSite: String)
        throws(HTTPError) -> Exchange
    {
        try request.validate(at: callSite)
        let exchange = Exchange(request, limits: limits, isStreaming: isStreaming, callSite: callSite, loop: loop)
        try loop.start(exchange)
        return exchange
    }
}
