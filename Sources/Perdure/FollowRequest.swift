// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// What somebody asks who wants to see a turn, and not to have it run: `{"session":"…","id":"…","after":"…"}`.
struct FollowRequest: Sendable {
    let session: String
    /// The id of the request whose turn it is.
    let id: String
    /// What the reader has of it.
    let after: EventCursor

    init(session: String, id: String, after: EventCursor) {
        (self.session, self.id, self.after) = (session, id, after)
    }

    /// Nil when the event asks for something: a message, a decision, or anything else that an ``AgentRequest`` reads.
    init?(event: JSONValue) throws(AgentError) {
        guard let members = event.object, let after = try EventCursor(event: event) else { return nil }
        guard members.allSatisfy({ ["session", "id", "after", "stream"].contains($0.key) }) else { return nil }
        guard let session = event["session"]?.string else { throw .invalidEvent("\"session\" must be a string") }
        guard let id = event["id"]?.string, (1...AgentRequest.maximumIDLength).contains(id.utf8.count) else {
            throw .invalidEvent("\"id\" must name the request to be followed")
        }
        self.init(session: session, id: id, after: after)
    }
}

extension EventCursor {
    /// Reads `"after"`, where "" is before the first event; nil when there is none.
    ///
    /// Throws ``AgentError/Code/invalidCursor``.
    init?(event: JSONValue) throws(AgentError) {
        switch event["after"] {
        case nil, .null?: return nil
        case .string(let text)? where text.value.isEmpty: self.init(step: 0)
        case .string(let text)?:
            guard let cursor = EventCursor(text.value) else { throw .invalidCursor }
            self = cursor
        default: throw .invalidCursor
        }
    }
}

extension HTTPEvent {
    /// What is in the body, with the header field `Last-Event-ID` as `"after"` where the body has none: clients that know
    /// server-sent events send the `id` of the last one when they connect again.
    func contentsWithCursor() throws(AgentError) -> JSONValue {
        let contents = try contents()
        guard var object = contents.object, object["after"] == nil, let last = lastEventID else { return contents }
        object["after"] = .init(last)
        return .object(object)
    }
}

extension AgentError {
    static let invalidCursor = AgentError(
        .invalidCursor, "\"after\" is no cursor of this request: give the id of an event that was received, or \"\""
    )
    static let interrupted = AgentError(
        .turnInterrupted,
        "the turn is not complete, and nobody runs it now; the whole request again, with its id and \"after\", goes on with it"
    )
    static let noSuchRequest = AgentError(.noSuchRequest, "the session has no request of that id")
}
