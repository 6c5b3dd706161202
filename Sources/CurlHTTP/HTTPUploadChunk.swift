// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The next piece of a request body that is produced while it is sent.
public struct HTTPUploadChunk: Sendable {
    enum Content {
        case bytes([UInt8])
        case later
        case end(trailers: HTTPFields)
    }

    let content: Content

    /// Bytes to send next.
    public static func bytes(_ bytes: [UInt8]) -> HTTPUploadChunk { HTTPUploadChunk(content: .bytes(bytes)) }

    /// Nothing yet. The connection is watched meanwhile, and ``Canceller/wakeUp()`` has the producer asked again; so may
    /// anything else that happens.
    public static let later = HTTPUploadChunk(content: .later)

    /// The end of the body and the fields to send after it.
    public static func end(trailers: HTTPFields = [:]) -> HTTPUploadChunk {
        HTTPUploadChunk(content: .end(trailers: trailers))
    }
}
