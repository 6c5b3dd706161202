// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1

/// One connection: puts requests together, or passes their bodies on as they arrive, runs the handler, writes its
/// response. Lives on the connection's event loop.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What the task of a request writes, from wherever it runs.
    enum ResponsePart: Sendable {
        case head(HTTPResponseHead)
        case body(ByteBuffer)
        case end
    }

    private let service: HTTPServer.Service
    private let connections: Connections
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isTooLarge = false
    /// The body that is arriving, of a request whose handler runs already.
    private var stream: BytePipe<HTTPBodyEnd>?
    private var isReadHeldBack = false
    /// After an error nothing more is written: the parser's handler has answered already, and closes the connection.
    private var isBroken = false
    private var request: Task<Void, Never>?

    init(service: HTTPServer.Service, connections: Connections) {
        self.service = service
        self.connections = connections
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
        if let stream {
            self.stream = nil
            stream.finish(.truncated)
        } else if head != nil, !connections.isClosed {
            start(context: context, closing: true, isTruncated: true)
        }
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isBroken = true
        context.close(promise: nil)
    }

    /// While the reader of a body has enough, the client has to wait.
    func read(context: ChannelHandlerContext) {
        if stream?.isFull == true {
            isReadHeldBack = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ByteBuffer()
            let streams = service.streams(head)
            isTooLarge =
                !streams && (head.headers.first(name: "Content-Length").flatMap(Int.init) ?? 0) > service.bodyLimit
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
            if streams {
                let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                let eventLoop = context.eventLoop
                stream = BytePipe {
                    eventLoop.execute {
                        let (connection, context) = connection.value
                        guard connection.isReadHeldBack, connection.stream?.isFull != true else { return }
                        connection.isReadHeldBack = false
                        context.read()
                    }
                }
                start(context: context, closing: false)
            }
        case .body(var part):
            if let stream {
                stream.write(part)
            } else if isTooLarge || body.readableBytes + part.readableBytes > service.bodyLimit {
                isTooLarge = true
                body = ByteBuffer()
            } else {
                body.writeBuffer(&part)
            }
        case .end(let trailers):
            if let stream {
                self.stream = nil
                stream.finish(.complete(trailers ?? [:]))
            } else {
                start(context: context, closing: false)
            }
        }
    }

    private func start(context: ChannelHandlerContext, closing: Bool, isTruncated: Bool = false) {
        guard let head else { return }
        self.head = nil
        var request = HTTPRequest(head: head, body: body, isTooLarge: isTooLarge)
        request.isTruncated = isTruncated
        request.stream = stream
        body = ByteBuffer()
        let keepAlive = head.isKeepAlive && !closing
        let task = Self.serve(
            request, on: context.channel, keepAlive: keepAlive, service: service, connections: connections)
        // The end of the response clears it, on this event loop, so not before this.
        let channel = context.channel
        if channel.isActive { connections.setRequest(task, of: channel) }
        self.request = task
    }

    private static func serve(
        _ request: HTTPRequest, on channel: any Channel, keepAlive: Bool, service: HTTPServer.Service,
        connections: Connections
    ) -> Task<Void, Never> {
        Task {
            let response = await service.handler(request)
            // What the handler did not want to read is read and dropped.
            request.stream?.abandon()
            let isWhole = await write(response, to: channel, keepAlive: keepAlive)
            if !isWhole { channel.eventLoop.execute { connections.setRequest(nil, of: channel) } }
        }
    }

    /// False when the client did not get it all; the connection is closed then.
    private static func write(_ response: HTTPResponse, to channel: any Channel, keepAlive: Bool) async -> Bool {
        var head = HTTPResponseHead(version: .http1_1, status: response.status, headers: response.headers)
        if response.status.mayHaveResponseBody, response.stream == nil {
            head.headers.replaceOrAdd(name: "Content-Length", value: "\(response.body.readableBytes)")
        }
        if !keepAlive { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        var isWhole = true
        do {
            if let stream = response.stream {
                // Whoever writes the body has to learn that the client is gone: not a reason to leave it out.
                channel.writeAndFlush(ResponsePart.head(head), promise: nil)
                try await stream(HTTPBodyWriter(channel: channel))
            } else {
                channel.write(ResponsePart.head(head), promise: nil)
                if response.body.readableBytes > 0 {
                    channel.write(ResponsePart.body(response.body), promise: nil)
                }
            }
            try await channel.writeAndFlush(ResponsePart.end).get()
        } catch {
            // The client is gone, or the body broke off.
            isWhole = false
        }
        if !isWhole || !keepAlive { channel.close(promise: nil) }
        return isWhole
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isBroken else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end:
            connections.setRequest(nil, of: context.channel)
            context.write(wrapOutboundOut(.end(nil)), promise: promise)
        }
    }
}
