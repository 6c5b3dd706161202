// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The log of one sandbox: what its processes write, line by line, and the emulator's own lines between, in order.
///
/// A runtime writes to its pipe before it posts to the Runtime API, so whoever reads the pipe when the post arrives has
/// all output of the invocation. That is why each method here reads the pipe first.
// All state is touched on `queue` only, which runs one block at a time: that makes the class safe to share.
final class SandboxLog: @unchecked Sendable {
    /// How many bytes `X-Amz-Log-Result` gives back, before base64.
    static let tailLimit = 4096
    /// CloudWatch's limit of one log event; a longer line is cut into pieces.
    static let lineLimit = 256 * 1024

    /// Where the sandbox writes.
    let writeEnd: Int32
    private let readEnd: Int32
    private let sink: LambdaEmulator.LogSink
    private let queue = DispatchQueue(label: "perdure.sandbox-log")
    private let source: any DispatchSourceRead
    private var partial: [UInt8] = []
    /// By invocation; with several at once each has the lines of all.
    private var tails: [String: [UInt8]] = [:]
    private var isAtEnd = false

    init(sink: @escaping LambdaEmulator.LogSink) throws(EmulatorError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw EmulatorError(.cannotSpawn, call: "pipe", cause: String(cString: strerror(errno)), isRetryable: true)
        }
        // Not pipe2, which not every system has. Our own children are started with all other descriptors closed.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
        let readEnd = ends[0]
        self.readEnd = readEnd
        writeEnd = ends[1]
        self.sink = sink
        source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: queue)
        source.setEventHandler { [weak self] in self?.readPipe() }
        source.setCancelHandler { _ = close(readEnd) }
        source.activate()
    }

    deinit {
        source.cancel()
    }

    /// To be called once, when the sandbox has its own copy.
    func closeWriteEnd() {
        _ = close(writeEnd)
    }

    /// Adds one line of the emulator's.
    func write(_ line: String) {
        queue.sync {
            readPipe()
            emit(Array(line.utf8))
        }
    }

    /// Begins to keep the tail for an invocation.
    func beginTail(of invocationID: String) {
        queue.sync { tails[invocationID] = [] }
    }

    /// Ends the output of an invocation: a last line without its newline is given out too.
    func flush() {
        queue.sync {
            readPipe()
            if !partial.isEmpty { emitPartial() }
        }
    }

    /// The last bytes since `beginTail(of:)`.
    func endTail(of invocationID: String) -> [UInt8] {
        queue.sync { tails.removeValue(forKey: invocationID) ?? [] }
    }

    /// Reads what there is, at most as much as the largest pipe holds: a function that never stops writing cannot
    /// keep us.
    private func readPipe() {
        guard !isAtEnd else { return }
        var budget = 1 << 20
        while budget > 0 {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                var result: Int
                repeat { result = read(readEnd, buffer.baseAddress, buffer.count) } while result == -1 && errno == EINTR
                // -1 is EAGAIN, nothing there now; 0 is the end, which no process can undo.
                isAtEnd = result == 0
                count = max(0, result)
            }
            if isAtEnd { source.cancel() }
            if chunk.isEmpty { return }
            budget -= chunk.count
            for byte in chunk {
                if byte == UInt8(ascii: "\n") {
                    emitPartial()
                } else {
                    partial.append(byte)
                    if partial.count == Self.lineLimit { emitPartial() }
                }
            }
        }
    }

    private func emitPartial() {
        emit(partial)
        partial = []
    }

    private func emit(_ line: [UInt8]) {
        for id in tails.keys {
            tails[id] = ((tails[id] ?? []) + line + [UInt8(ascii: "\n")]).suffix(Self.tailLimit)
        }
        sink(String(decoding: line, as: UTF8.self))
    }
}
