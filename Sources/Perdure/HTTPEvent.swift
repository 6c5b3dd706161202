// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI

/// An HTTP request as API Gateway and function URLs put it into an event.
struct HTTPEvent {
    private let event: JSONValue
    /// The header field `Last-Event-ID`, in whichever case the event spells it.
    var lastEventID: String? {
        event["headers"]?.object?.first { $0.key.lowercased() == "last-event-id" }?.value.string
    }
    /// Whether a function that streams begins its answer with a prelude.
    ///
    /// REST APIs alone stream from functions with a file system, and theirs is the form without a version: HTTP APIs do
    /// not stream, and function URLs do not from inside a VPC. Which transfer mode a REST API has is not in the event.
    let isStreamable: Bool

    /// Nil when the event is not such a request: payload format 2.0 of HTTP APIs and function URLs, 1.0 of HTTP APIs, or
    /// a REST API's proxy integration.
    init?(_ event: JSONValue) {
        switch event["version"] {
        case .string("2.0")?: guard event["requestContext"]?["http"] != nil else { return nil }
        case nil, .string("1.0")?:
            guard event["httpMethod"]?.string != nil, event["resource"]?.string != nil,
                event["requestContext"]?.object != nil
            else { return nil }
        default: return nil
        }
        self.event = event
        isStreamable = event["version"] == nil
    }

    /// What is in the body, decoded where the event says that it is base64.
    func contents() throws(AgentError) -> JSONValue {
        var bytes = Array((event["body"]?.string ?? "").utf8)
        if event["isBase64Encoded"]?.bool == true {
            guard let decoded = base64Decoded(bytes) else {
                throw .invalidEvent("the request's body is not valid base64")
            }
            bytes = decoded
        }
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw .invalidEvent("the request's body is not JSON (\(error))")
        }
    }

    /// An answer with a JSON body.
    struct Answer {
        let status: Int
        let body: JSONValue
        private var headers = ["content-type": "application/json"]

        /// A turn's response.
        init(_ response: AgentResponse) {
            // As of a turn that is not over: ask again, or be told.
            status = response.outcome.isFinal ? 200 : 202
            body = response.json
        }

        /// A request that failed: `{"error":{"type":"…","message":"…"}}`.
        init(_ error: AgentError) {
            status = error.code.httpStatus
            body = error.json
            if let seconds = error.retryAfterSeconds { headers["retry-after"] = String(seconds) }
        }

        /// In the form that integrations expect that do not stream.
        var envelope: JSONValue {
            let fields = headers.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }
            return [
                "statusCode": .init(status), "headers": .object(JSONObject(fields)), "body": .init(body.description),
                "isBase64Encoded": false,
            ]
        }

        /// The status and the header fields, for an integration that streams.
        var prelude: HTTPResponsePrelude { HTTPResponsePrelude(statusCode: status, headers: headers) }
    }
}

/// Decodes base64 with the standard alphabet (RFC 4648, section 4); nil when it is not that.
private func base64Decoded(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for character in text {
        let value: UInt8
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        case UInt8(ascii: "="):
            padding += 1
            continue
        default: return nil
        }
        guard padding == 0 else { return nil }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            bits &= (1 << UInt32(count)) - 1
        }
    }
    return padding <= 2 && bits == 0 && text.count % 4 == 0 ? bytes : nil
}
