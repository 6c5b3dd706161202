// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

extension Invocation {
    /// Answers with a response that is still being written, over a connection of its own: blocks until its end.
    ///
    /// Nothing is sent before the first byte or the end, and a failure until then is posted as an error. When the
    /// service takes no more of it, the writer refuses what is written, and the receipt, or the error thrown, says why.
    @discardableResult
    public consuming func stream(from writer: ResponseWriter) throws(RuntimeError) -> AnswerReceipt {
        do {
            let receipt: AnswerReceipt
            switch writer.waitForBeginning() {
            case .failure(let error):
                receipt = try slot.post("error", headers: error.headers, body: error.body)
            case .whole(let body, let contentType):
                receipt = try slot.post("response", headers: ["Content-Type": contentType], body: body)
            case .body(let contentType):
                receipt = try slot.stream(contentType: contentType, from: writer)
            }
            writer.abandon("the answer is complete, or was refused")
            return receipt
        } catch {
            writer.abandon("the service does not take the response any more")
            throw error
        }
    }
}

extension AnswerSlot {
    fileprivate func stream(
        contentType: String, from writer: ResponseWriter
    ) throws(RuntimeError) -> AnswerReceipt {
        let headers: HTTPFields = [
            "Content-Type": contentType,
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Trailer": "\(InvocationError.typeTrailer), \(InvocationError.bodyTrailer)",
        ]
        return try post("response", headers: headers, body: [], from: writer)
    }
}

extension InvocationError {
    fileprivate static let typeTrailer = "Lambda-Runtime-Function-Error-Type"
    fileprivate static let bodyTrailer = "Lambda-Runtime-Function-Error-Body"

    /// The error after a response that has begun: the type, and the JSON in base64.
    ///
    /// libcurl takes 64 KiB of trailers, hence shorter texts than in ``body``.
    var trailers: HTTPFields {
        [
            Self.typeTrailer: headerType,
            Self.bodyTrailer: base64Encoded(json(maximumMessageLength: 16 << 10, maximumLines: 16).bytes()),
        ]
    }
}
