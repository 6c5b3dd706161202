// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// The answers of InvokeWithResponseStream: `PayloadChunk` messages, then one `InvokeComplete`.
extension InvokeAPI {
    /// The most bytes of payload in one message; larger ones are cut.
    static let chunkLimit = 256 * 1024

    /// An answer that comes while the function runs.
    static func streamedResponse(_ answer: StreamedAnswer, wantsLog: Bool) -> HTTPResponse {
        response(contentType: answer.contentType) { writer in
            // The client may be gone before the end.
            defer { answer.pipe.abandon() }
            while true {
                switch await answer.pipe.next() {
                case .bytes(let bytes): try await writer.writeChunks(bytes)
                case .end(let end):
                    return try await writer.writeComplete(end.failure, log: wantsLog ? end.log : nil)
                }
            }
        }
    }

    /// A whole answer, in as many chunks as it takes; an error has none.
    static func streamedResponse(_ result: InvocationResult, wantsLog: Bool) -> HTTPResponse {
        response(contentType: result.contentType) { writer in
            let failure = result.errorType.map { StreamedAnswer.Failure(type: $0, details: result.payload) }
            if failure == nil { try await writer.writeChunks(result.payload) }
            try await writer.writeComplete(failure, log: wantsLog ? result.log : nil)
        }
    }

    /// The function's own content type goes where the operation's leaves room for it. That Lambda sends this header is
    /// seen in practice and not documented.
    private static func response(contentType: String, _ stream: @escaping HTTPResponse.Writer) -> HTTPResponse {
        HTTPResponse(
            status: .ok,
            headers: [
                "Content-Type": "application/vnd.amazon.eventstream", "X-Amzn-Remapped-Content-Type": contentType,
                "X-Amz-Executed-Version": "$LATEST",
            ], stream: stream)
    }
}

extension HTTPBodyWriter {
    fileprivate func writeChunks(_ bytes: ByteBuffer) async throws {
        var rest = bytes
        while let piece = rest.readSlice(length: min(rest.readableBytes, InvokeAPI.chunkLimit)),
            piece.readableBytes > 0
        {
            let message = EventStreamMessage.event(
                "PayloadChunk", contentType: "application/octet-stream", payload: piece)
            try await write(message.encoded)
        }
    }

    fileprivate func writeComplete(_ failure: StreamedAnswer.Failure?, log: [UInt8]?) async throws {
        let payload = EmulatorJSON.invokeComplete(
            failure, log: log.map { Data($0).base64EncodedString() })
        try await write(
            EventStreamMessage.event("InvokeComplete", contentType: "application/json", payload: payload).encoded)
    }
}
