// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A listening socket on 127.0.0.1 that serves each connection on a thread of its own.
///
/// Plain sockets, because test servers have to do what a well-behaved server library refuses to.
final class LoopbackListener: Sendable {
    /// The port, chosen by the system.
    let port: UInt16
    private let socket: ListeningSocket

    /// Listens, and calls `serve` for each connection. The connection is closed when `serve` returns.
    init(serve: @escaping @Sendable (LoopbackConnection) -> Void) throws(LoopbackError) {
        let descriptor = openSocket()
        guard descriptor >= 0 else { throw LoopbackError(call: "socket", errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, length) != 0 || listen(descriptor, 64) != 0
                    || getsockname(descriptor, pointer, &length) != 0
            }
        }
        guard !failed else {
            let failure = LoopbackError(call: "bind", errno: errno)
            _ = close(descriptor)
            throw failure
        }
        port = UInt16(bigEndian: address.sin_port)
        let socket = ListeningSocket(descriptor: descriptor)
        self.socket = socket
        DispatchQueue(label: "perdure.testing.accept").async {
            while true {
                let accepted = accept(descriptor, nil, nil)
                guard accepted >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    // The listener was shut down.
                    _ = close(descriptor)
                    return
                }
                // Answers go out in small pieces, and each would wait for the peer's acknowledgement of the one before.
                var option: Int32 = 1
                _ = unsafe setsockopt(
                    accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &option, socklen_t(MemoryLayout<Int32>.size))
                // A serial queue each: a concurrent one has no more threads than the machine has cores.
                DispatchQueue(label: "perdure.testing.serve").async {
                    serve(LoopbackConnection(descriptor: accepted, listener: socket))
                    _ = close(accepted)
                }
            }
        }
    }

    deinit { socket.shutDown() }

    /// Takes no more connections; those that there are stay.
    func stopListening() { socket.shutDown() }
}

/// The socket that connections are accepted on.
private final class ListeningSocket: Sendable {
    private let descriptor: Int32
    private let isShutDown = Mutex(false)

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Takes no more connections.
    func shutDown() {
        isShutDown.withLock { isShutDown in
            // Wakes accept(), which then closes the socket: closing it here, and a second call, could hit a number
            // that is reused by then.
            if !isShutDown { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
            isShutDown = true
        }
    }
}

/// One accepted connection.
struct LoopbackConnection: Sendable {
    fileprivate let descriptor: Int32
    fileprivate let listener: ListeningSocket

    /// Makes the listener take no more connections.
    func stopListening() { listener.shutDown() }

    /// Up to 64 KiB of what has arrived; empty at the end, and when the peer has broken the connection.
    func receive() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            while true {
                let count = unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
                if count >= 0 || errno != EINTR { return max(count, 0) }
            }
        }
        return Array(buffer.prefix(count))
    }

    /// Makes the connection end with a reset in place of an orderly close, once it is closed.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Sends all of it; false when the peer has gone.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe sendBytes(
                    descriptor, bytes.baseAddress.map { unsafe $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Sends all of it.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }
}

/// A test server could not be started.
public struct LoopbackError: Error, CustomStringConvertible {
    let call: String
    let errno: Int32

    /// The call and the reason.
    public var description: String { "\(call): \(unsafe String(cString: strerror(errno)))" }
}

private func openSocket() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }

/// `send`, under a name that the methods above do not hide.
private func sendBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
    unsafe send(descriptor, bytes, count, flags)
}
