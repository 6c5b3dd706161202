// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import LambdaEmulator
import Perdure

/// What a function says over InvokeWithResponseStream: server-sent events, or JSON in one piece.
struct StreamedAnswer {
    private let isEvents: Bool
    private var messages = InvokeStreamDecoder()
    private var events = ServerSentEventDecoder(maximumEventSize: 64 << 20)
    private var payload: [UInt8] = []
    private var last: ServerSentEvent?
    private var complete: JSONValue?

    init(contentType: String?) {
        isEvents = contentType == "text/event-stream"
    }

    /// Takes bytes in, and hands out the pieces of text that are whole with them, with the number of the model's call.
    mutating func add(_ bytes: [UInt8]) throws -> [(text: String, step: Int)] {
        var texts: [(String, Int)] = []
        for message in try messages.decode(bytes) {
            switch message {
            case .complete(let json): complete = try JSONValue(parsing: json)
            case .payload(let part) where isEvents:
                for event in try events.decode(part) {
                    last = event
                    guard event.type == "text" else { continue }
                    let data = try JSONValue(parsing: event.data.utf8)
                    if let text = data["text"]?.string { texts.append((text, data["step"]?.int ?? 1)) }
                }
            case .payload(let part): payload += part
            }
        }
        return texts
    }

    /// The answer; throws the function's error, or that there was neither.
    func finished() throws -> JSONValue {
        guard let complete, !messages.hasIncompleteMessage else {
            throw InvokeClient.Failure(type: "InvalidAnswer", message: "the answer broke off")
        }
        if let type = complete["ErrorCode"]?.string {
            let details = complete["ErrorDetails"]?.string ?? ""
            throw InvokeClient.Failure((try? JSONValue(parsing: details.utf8)) ?? [:], otherwise: type)
        }
        guard isEvents else { return try JSONValue(parsing: payload) }
        guard let last, last.type == "done" else {
            throw InvokeClient.Failure(type: "InvalidAnswer", message: "the answer has no end")
        }
        return try JSONValue(parsing: last.data.utf8)
    }
}
