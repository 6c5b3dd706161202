// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The bytes of a streaming request body on their way to libcurl.
struct UploadBuffer {
    /// Whether the read callback found nothing and paused the transfer.
    var isPaused = false
    /// Whether the producer has nothing either, so that the transfer stays paused.
    private(set) var isWaiting = false
    /// The fields to send after the last chunk.
    private(set) var trailers: HTTPFields = [:]
    private var bytes: ArraySlice<UInt8> = []
    private var hasEnded = false

    /// Adds what the producer gave.
    mutating func add(_ chunk: HTTPUploadChunk) {
        isWaiting = false
        switch chunk.content {
        case .later:
            isWaiting = true
        case .bytes(let more):
            bytes += more
        case .end(let trailers):
            self.trailers = trailers
            hasEnded = true
        }
    }

    /// Moves bytes into libcurl's buffer: the count, 0 at the end, or `nil` to pause.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard !bytes.isEmpty else {
            isPaused = !hasEnded
            return hasEnded ? 0 : nil
        }
        let count = min(bytes.count, buffer.count)
        unsafe buffer.copyBytes(from: bytes.prefix(count))
        bytes = bytes.dropFirst(count)
        return count
    }
}
