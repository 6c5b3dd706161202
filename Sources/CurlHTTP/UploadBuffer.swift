// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The bytes of a request body on their way to libcurl.
struct UploadBuffer {
    /// Whether the read callback found nothing and paused the transfer.
    var isPaused = false
    /// Whether the producer has nothing either, so that the transfer stays paused.
    private(set) var isWaiting = false
    /// The fields to send after the last chunk.
    private(set) var trailers: HTTPFields = [:]
    private var bytes: [UInt8] = []
    private var position = 0
    private var hasEnded = false

    /// The body of a streaming request, which comes with ``add(_:)``.
    init() {}

    /// A body that is there already. It is not copied.
    init(whole body: [UInt8]) {
        bytes = body
        hasEnded = true
    }

    /// Adds what the producer gave.
    mutating func add(_ chunk: HTTPUploadChunk) {
        isWaiting = false
        switch chunk.content {
        case .later:
            isWaiting = true
        case .bytes(let more):
            if position == bytes.count {
                (bytes, position) = (more, 0)
            } else {
                bytes += more
            }
        case .end(let trailers):
            self.trailers = trailers
            hasEnded = true
        }
    }

    /// Moves bytes into libcurl's buffer: the count, 0 at the end, or `nil` to pause.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard position < bytes.count else {
            isPaused = !hasEnded
            return hasEnded ? 0 : nil
        }
        let count = min(bytes.count - position, buffer.count)
        unsafe buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }

    /// Begins again, for a request that is sent again. To be asked only of a body that was there from the beginning.
    mutating func rewind() {
        position = 0
    }
}
