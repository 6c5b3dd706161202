// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP/1.1 server on one address: each request is read whole, up to a limit, and answered by one closure. For the
/// requests that `streams` picks, the closure is called before the body is there.
///
/// The closure's task is cancelled when the client goes away. Nothing outlives `stop()`.
final class HTTPServer: Sendable {
    typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    /// What a connection needs to know.
    struct Service: Sendable {
        var bodyLimit: Int
        var streams: @Sendable (HTTPRequestHead) -> Bool
        var handler: Handler
    }

    let host: String
    let port: Int
    private let listener: any Channel
    private let connections: Connections

    private init(listener: any Channel, host: String, port: Int, connections: Connections) {
        self.listener = listener
        self.host = host
        self.port = port
        self.connections = connections
    }

    /// Binds `host:port` (port 0: any free one) and serves. A body of more than `bodyLimit` bytes is not kept.
    static func start(
        host: String, port: Int, bodyLimit: Int,
        streams: @escaping @Sendable (HTTPRequestHead) -> Bool = { _ in false }, handler: @escaping Handler
    ) async throws(EmulatorError) -> HTTPServer {
        let connections = Connections()
        let service = Service(bodyLimit: bodyLimit, streams: streams, handler: handler)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                            withPipeliningAssistance: true, withErrorHandling: true)
                        try channel.pipeline.syncOperations.addHandler(
                            HTTPConnection(service: service, connections: connections))
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port).get()
            let address = listener.localAddress
            return HTTPServer(
                listener: listener, host: address?.ipAddress ?? host, port: address?.port ?? port,
                connections: connections)
        } catch {
            throw EmulatorError(.cannotListen, call: "bind \(host):\(port)", cause: "\(error)")
        }
    }

    /// Closes the port and every connection, and returns when no handler runs any more.
    func stop() async {
        // The only error here is that it is closed already.
        try? await listener.close()
        await connections.closeAll()
    }
}

/// What `stop()` has to end: the open connections and the requests under way.
final class Connections: Sendable {
    private struct State {
        var isClosed = false
        var channels: [ObjectIdentifier: any Channel] = [:]
        var requests: [ObjectIdentifier: Task<Void, Never>] = [:]
    }
    private let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// False after `closeAll()`.
    func add(_ channel: any Channel) -> Bool {
        state.withLock {
            if !$0.isClosed { $0.channels[ObjectIdentifier(channel)] = channel }
            return !$0.isClosed
        }
    }

    func remove(_ channel: any Channel) {
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// A connection has one request at a time.
    func setRequest(_ task: Task<Void, Never>?, of channel: any Channel) {
        state.withLock { $0.requests[ObjectIdentifier(channel)] = task }
    }

    /// How long a response may take that is on its way.
    private static let grace = Duration.seconds(1)

    func closeAll() async {
        let requests = state.withLock {
            $0.isClosed = true
            return Array($0.requests.values)
        }
        // What is answered now is still to reach its client, unless that takes its time.
        let limit = Task {
            try await Task.sleep(for: Self.grace, clock: .continuous)
            await closeChannels()
        }
        for request in requests { await request.value }
        limit.cancel()
        _ = await limit.result
        await closeChannels()
        // A closed connection starts no request: these are the last ones.
        for request in state.withLock({ Array($0.requests.values) }) {
            request.cancel()
            await request.value
        }
    }

    private func closeChannels() async {
        // An error here means that the connection is closed already.
        for channel in state.withLock({ Array($0.channels.values) }) { try? await channel.close() }
    }
}
