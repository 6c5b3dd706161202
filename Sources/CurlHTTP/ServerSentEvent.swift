// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// One dispatched event of an event stream.
public struct ServerSentEvent: Sendable, Hashable {
    /// The event's type, `message` when the stream names none.
    public var type: String
    /// The data lines, joined by newlines.
    public var data: String
    /// The id last seen in the stream, which an event without one inherits; empty when there was none.
    public var lastEventID: String

    /// Makes an event.
    public init(type: String = "message", data: String, lastEventID: String = "") {
        self.type = type
        self.data = data
        self.lastEventID = lastEventID
    }
}
