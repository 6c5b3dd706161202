// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// An answer that a function gives while it runs.
struct StreamedAnswer: Sendable {
    /// What went wrong after the first byte.
    struct Failure: Sendable, Equatable {
        var type: String
        /// A JSON error object, as a rule.
        var details: ByteBuffer
    }

    struct End: Sendable {
        /// Nil when the answer is whole.
        var failure: Failure?
        /// The last 4 KB of the log, when it was asked for.
        var log: [UInt8]
    }

    var contentType: String
    let pipe: BytePipe<End>

    /// The whole of it, for a caller who does not stream. An answer that broke off is an error, what came of it is
    /// lost; one of more than `limit` bytes is `Function.ResponseSizeTooLarge`.
    func collected(limit: Int, requestID: String) async -> InvocationResult {
        var payload = ByteBuffer()
        var isTooLarge = false
        while true {
            switch await pipe.next() {
            case .bytes(let bytes):
                isTooLarge = isTooLarge || payload.readableBytes + bytes.readableBytes > limit
                if isTooLarge { payload = ByteBuffer() } else { payload.writeImmutableBuffer(bytes) }
            case .end(let end):
                var result = InvocationResult(payload: payload, contentType: contentType)
                if let failure = end.failure {
                    result = InvocationResult(
                        payload: failure.details, contentType: "application/json", errorType: failure.type)
                } else if isTooLarge {
                    result = SandboxFailure.responseTooLarge.result(for: requestID)
                }
                result.log = end.log
                return result
            }
        }
    }
}

extension StreamedAnswer.Failure {
    /// The failure that a runtime announced after the last byte: its type, and its error object in base64. What is not
    /// base64 is replaced by an object that names the type only.
    init?(trailers: HTTPHeaders) {
        guard let header = trailers.first(name: "Lambda-Runtime-Function-Error-Type"), !header.isEmpty else {
            return nil
        }
        type = RuntimeAPI.errorType(header, inInit: false)
        let base64 = trailers.first(name: "Lambda-Runtime-Function-Error-Body") ?? ""
        if let data = Data(base64Encoded: base64), !data.isEmpty {
            details = ByteBuffer(bytes: data)
        } else {
            details = EmulatorJSON.object(["errorType": type])
        }
    }

    init(_ failure: SandboxFailure, requestID: String) {
        type = failure.type
        details = failure.result(for: requestID).payload
    }
}
