// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// An HTTP request as API Gateway (payload format 2.0) and function URLs put it into an event.
struct HTTPEvent {
    private let event: JSONValue

    /// Nil when the event is not such a request.
    init?(_ event: JSONValue) {
        guard event["version"]?.string == "2.0", event["requestContext"]?["http"] != nil else { return nil }
        self.event = event
    }

    /// The body, decoded where the event says that it is base64.
    func body() throws(AgentError) -> [UInt8] {
        let text = event["body"]?.string ?? ""
        guard event["isBase64Encoded"]?.bool == true else { return Array(text.utf8) }
        guard let bytes = base64Decoded(text) else { throw .invalidEvent("the request's body is not valid base64") }
        return bytes
    }

    /// An answer in the form that both integrations expect.
    static func response(status: Int, body: JSONValue, headers: JSONObject = [:]) -> JSONValue {
        var fields: JSONObject = ["content-type": "application/json"]
        for (name, value) in headers { fields[name] = value }
        return [
            "statusCode": .init(status), "headers": .object(fields), "body": .init(body.description),
            "isBase64Encoded": false,
        ]
    }

    /// The answer to a request that failed: `{"error":{"type":"…","message":"…"}}`.
    static func response(_ error: AgentError) -> JSONValue {
        var headers: JSONObject = [:]
        if let wait = error.retryAfter { headers["retry-after"] = .init(String(max(1, wait.components.seconds))) }
        let body: JSONValue = ["error": ["type": .init(error.code.errorType), "message": .init(error.detail)]]
        return response(status: error.code.httpStatus, body: body, headers: headers)
    }
}

/// Decodes base64 with the standard alphabet (RFC 4648, section 4); nil when it is not that.
private func base64Decoded(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for character in text.utf8 {
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
    return padding <= 2 && bits == 0 && text.utf8.count % 4 == 0 ? bytes : nil
}
