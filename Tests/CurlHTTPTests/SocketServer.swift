// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization

/// A TCP server on loopback that does exactly what a script says: no HTTP library that would tidy up after us.
///
/// The script runs on a thread of its own for each connection, and the connection is closed when it returns.
final class SocketServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var connectionCount = 0
        var openCount = 0
        var requests: [[UInt8]] = []
    }

    init(_ script: @escaping @Sendable (SocketConnection) -> Void) throws {
        (listener, port) = try Self.listen(backlog: 64)
        Thread.detachNewThread { [listener, weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else {
                    // Here and not where it is shut down: the next server could get the number while we still use it.
                    close(listener)
                    return
                }
                guard let self else {
                    close(descriptor)
                    continue
                }
                serve(descriptor, script)
            }
        }
    }

    deinit {
        // Wakes the accepting thread, which closes it.
        shutdown(listener, Int32(SHUT_RDWR))
    }

    var url: String { "http://127.0.0.1:\(port)" }
    /// How many connections were accepted.
    var connectionCount: Int { state.withLock { $0.connectionCount } }
    /// How many of them are not closed yet.
    var openCount: Int { state.withLock { $0.openCount } }
    /// Every request that was read, byte for byte.
    var requests: [[UInt8]] { state.withLock { $0.requests } }
    /// The same as text.
    var requestTexts: [String] { requests.map { String(decoding: $0, as: UTF8.self) } }

    private func serve(_ descriptor: Int32, _ script: @escaping @Sendable (SocketConnection) -> Void) {
        let index = state.withLock { state in
            defer { state.connectionCount += 1 }
            state.openCount += 1
            return state.connectionCount
        }
        Thread.detachNewThread { [weak self] in
            let connection = SocketConnection(descriptor, index: index) { request in
                self?.state.withLock { $0.requests.append(request) }
            }
            script(connection)
            connection.close()
            self?.state.withLock { $0.openCount -= 1 }
        }
    }

    /// A listening socket on a free port.
    static func listen(backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) | Glibc.listen(descriptor, backlog)
                    | getsockname(descriptor, address, &length)
            }
        }
        guard descriptor >= 0, result == 0 else { throw POSIXError(.EADDRINUSE) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A port on which nobody listens.
    static func refusingPort() throws -> UInt16 {
        let (descriptor, port) = try listen(backlog: 1)
        close(descriptor)
        return port
    }
}

/// One accepted connection, for its script's thread only.
final class SocketConnection {
    /// 0 for the first connection of the server.
    let index: Int
    private let descriptor: Int32
    private let record: (([UInt8]) -> Void)
    private var buffer: [UInt8] = []
    private var isOpen = true

    init(_ descriptor: Int32, index: Int, record: @escaping ([UInt8]) -> Void) {
        self.descriptor = descriptor
        self.index = index
        self.record = record
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Reads one request, head and body, and records it; `nil` when the peer closed first.
    @discardableResult
    func readRequest() -> String? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = buffer.firstRange(of: end), let length = bodyEnd(after: range.upperBound) {
                let request = Array(buffer[..<length])
                buffer.removeFirst(length)
                record(request)
                return String(decoding: request, as: UTF8.self)
            }
            guard readMore() else { return nil }
        }
    }

    /// Waits until the peer has closed or reset the connection.
    func waitForEnd() {
        while readMore() {}
    }

    private func bodyEnd(after head: Int) -> Int? {
        let text = String(decoding: buffer[..<head], as: UTF8.self).lowercased()
        if text.contains("transfer-encoding: chunked") {
            // With or without trailers, a chunked body ends with an empty line after "0".
            guard let last = buffer[head...].firstRange(of: Array("0\r\n".utf8)) else { return nil }
            if buffer[last.upperBound...].starts(with: Array("\r\n".utf8)) { return last.upperBound + 2 }
            return buffer[last.upperBound...].firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
        }
        let prefix = "content-length: "
        let line = text.split(separator: "\r\n").first { $0.hasPrefix(prefix) }
        let length = line.flatMap { Int($0.dropFirst(prefix.count)) } ?? 0
        return buffer.count >= head + length ? head + length : nil
    }

    private func readMore() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer += bytes[..<count]
        return true
    }

    /// Writes text; answers whether the peer took it.
    @discardableResult
    func write(_ text: String) -> Bool {
        write(Array(text.utf8))
    }

    /// Writes bytes in pieces of that size, each a packet of its own.
    @discardableResult
    func write(_ bytes: [UInt8], pieceSize: Int = .max) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, min($0.count, pieceSize), noSignal) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Answers with 200 and that body.
    func answer(_ body: String = "", headers: String = "") {
        write("HTTP/1.1 200 OK\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Writes zero bytes until that many are on their way, or none was taken for half a second; answers how many.
    func push(_ total: Int) -> Int {
        var limit = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let block = [UInt8](repeating: 0, count: 65_536)
        var sent = 0
        while sent < total {
            let count = send(descriptor, block, min(block.count, total - sent), noSignal)
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    /// Closes the connection in good order.
    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Closes the connection once the peer's kernel knows: whoever looks at its socket from then on sees the end.
    func closeAcknowledged() {
        shutdown(descriptor, Int32(SHUT_WR))
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        repeat {
            usleep(200)
        } while getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0
            && info.tcpi_state == UInt8(TCP_FIN_WAIT1)
        close()
    }

    /// Closes the connection with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    private let noSignal = Int32(MSG_NOSIGNAL)
}
