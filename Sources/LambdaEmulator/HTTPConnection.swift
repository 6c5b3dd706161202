// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1

/// One connection: puts requests together, runs the handler, writes its response. Lives on the connection's event loop.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodyLimit: Int
    private let connections: Connections
    private let handler: HTTPServer.Handler
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isTooLarge = false
    private var request: Task<Void, Never>?

    init(bodyLimit: Int, connections: Connections, handler: @escaping HTTPServer.Handler) {
        self.bodyLimit = bodyLimit
        self.connections = connections
        self.handler = handler
    }

    func channelActive(context: ChannelHandlerContext) {
        if connections.add(context.channel) {
            context.fireChannelActive()
        } else {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        request?.cancel()
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ByteBuffer()
            isTooLarge = (head.headers.first(name: "Content-Length").flatMap(Int.init) ?? 0) > bodyLimit
            if head.headers[canonicalForm: "Expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                // A client that asked first is told at once; the others are read to their end, because a client that
                // is still sending would see a reset instead of the answer.
                if isTooLarge {
                    start(context: context, closing: true)
                } else {
                    let go = HTTPResponseHead(version: .http1_1, status: .continue)
                    context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
                }
            }
        case .body(var part):
            if isTooLarge || body.readableBytes + part.readableBytes > bodyLimit {
                isTooLarge = true
                body = ByteBuffer()
            } else {
                body.writeBuffer(&part)
            }
        case .end:
            start(context: context, closing: false)
        }
    }

    private func start(context: ChannelHandlerContext, closing: Bool) {
        guard let head else { return }
        self.head = nil
        let request = HTTPRequest(head: head, body: body, isTooLarge: isTooLarge)
        body = ByteBuffer()
        let keepAlive = head.isKeepAlive && !closing
        let promise = context.eventLoop.makePromise(of: HTTPResponse.self)
        let (channel, handler, connections) = (context.channel, handler, connections)
        let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenSuccess { response in
            let (connection, context) = connection.value
            // On the event loop, so never before the task was noted below.
            connections.setRequest(nil, of: channel)
            connection.write(response, keepAlive: keepAlive, context: context)
        }
        let task = Task { promise.succeed(await handler(request)) }
        connections.setRequest(task, of: channel)
        self.request = task
    }

    private func write(_ response: HTTPResponse, keepAlive: Bool, context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var head = HTTPResponseHead(version: .http1_1, status: response.status, headers: response.headers)
        if response.status.mayHaveResponseBody {
            head.headers.replaceOrAdd(name: "Content-Length", value: "\(response.body.readableBytes)")
        }
        if !keepAlive { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if response.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(response.body))), promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        if !keepAlive {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}
