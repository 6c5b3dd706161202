// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import Synchronization

/// Bytes on their way from one writer to one reader, a little at a time, and what ended them.
///
/// The writer looks at `isFull` or waits for room, so a slow reader slows the writer down instead of filling memory.
/// Whoever writes has to finish the pipe: the reader waits for that without being cancellable.
final class BytePipe<End: Sendable>: Sendable {
    enum Event: Sendable {
        case bytes(ByteBuffer)
        /// The last event; it is returned again when asked again.
        case end(End)
    }

    private struct State {
        var chunks: [ByteBuffer] = []
        var count = 0
        var end: End?
        var isAbandoned = false
        var reader: CheckedContinuation<Event, Never>?
        var writer: CheckedContinuation<Void, Never>?

        /// With this much waiting, the writer is to wait.
        var isFull: Bool { !isAbandoned && end == nil && count >= 65_536 }
    }

    private let state = Mutex(State())
    private let onRoom: @Sendable () -> Void

    /// A pipe that calls `onRoom` each time it stops being full; on the reader's thread, so it must not block.
    init(onRoom: @escaping @Sendable () -> Void = {}) {
        self.onRoom = onRoom
    }

    var isFull: Bool { state.withLock { $0.isFull } }

    /// How many bytes wait.
    var count: Int { state.withLock { $0.count } }

    /// Adds bytes, even when the pipe is full. After the end they are dropped.
    func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        let reader = state.withLock { state -> CheckedContinuation<Event, Never>? in
            guard state.end == nil, !state.isAbandoned else { return nil }
            defer { state.reader = nil }
            if state.reader == nil {
                state.chunks.append(bytes)
                state.count += bytes.readableBytes
            }
            return state.reader
        }
        reader?.resume(returning: .bytes(bytes))
    }

    /// Ends the pipe; the first end counts.
    func finish(_ end: End) {
        let (reader, writer) = state.withLock { state in
            guard state.end == nil else { return (nil, nil) as Waiting }
            state.end = end
            defer { (state.reader, state.writer) = (nil, nil) }
            return (state.reader, state.writer)
        }
        reader?.resume(returning: .end(end))
        writer?.resume()
    }

    /// Returns when the pipe is not full: also when it has ended, or nobody reads it any more.
    func waitForRoom() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.isFull { state.writer = continuation }
                return !state.isFull
            }
            if goesOn { continuation.resume() }
        }
    }

    /// The next bytes, or the end.
    func next() async -> Event {
        var writer: CheckedContinuation<Void, Never>?
        var madeRoom = false
        let event = await withCheckedContinuation { continuation in
            let event = state.withLock { state -> Event? in
                if !state.chunks.isEmpty {
                    let wasFull = state.isFull
                    let bytes = state.chunks.removeFirst()
                    state.count -= bytes.readableBytes
                    madeRoom = wasFull && !state.isFull
                    if madeRoom { swap(&writer, &state.writer) }
                    return .bytes(bytes)
                }
                if let end = state.end { return .end(end) }
                state.reader = continuation
                return nil
            }
            if let event { continuation.resume(returning: event) }
        }
        writer?.resume()
        if madeRoom { onRoom() }
        return event
    }

    /// Drops what is there and what comes: the reader has gone.
    func abandon() {
        let writer = state.withLock { state in
            state.isAbandoned = true
            (state.chunks, state.count) = ([], 0)
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
        onRoom()
    }

    private typealias Waiting = (CheckedContinuation<Event, Never>?, CheckedContinuation<Void, Never>?)
}
