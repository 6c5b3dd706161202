// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
public import JSONCore

/// What an agent is asked: a message, or decisions on approvals, for one session.
public struct AgentRequest: Sendable, Hashable {
    /// The contents.
    public enum Content: Sendable, Hashable {
        /// What the user says.
        case message(String)
        /// Decisions on the approvals that a turn ended with.
        case decisions([Verdict])
    }

    /// The session's id.
    public var session: String
    /// The id of the request: the same id again is the same request, and gets the same answer.
    public var id: String
    /// What is asked.
    public var content: Content
    /// Whether the caller wants to see the text as it is written; a function that does not stream passes over it.
    public var wantsStream: Bool
    /// What the caller has of the turn's events already; nil when it does not say, and is shown a turn that runs for it alone.
    public var after: EventCursor?

    /// The longest message, in bytes of UTF-8. Longer texts belong in a file that a tool reads.
    public static let maximumMessageLength = 1 << 20
    /// The longest request id, in bytes of UTF-8.
    public static let maximumIDLength = 256

    /// Creates a request.
    public init(session: String, id: String, content: Content, wantsStream: Bool = false) {
        self.session = session
        self.id = id
        self.content = content
        self.wantsStream = wantsStream
    }

    /// Reads an event: `{"session":"…","message":"…","id":"…"}`, or with
    /// `"decisions":[{"call":"3.0","approve":true,"reason":"…"}]` in place of the message. `"stream":true` asks for the
    /// text as it is written, and `"after":"…"` for it from there on.
    ///
    /// Throws ``AgentError/Code/invalidEvent``, ``AgentError/Code/messageTooLarge`` or ``AgentError/Code/invalidCursor``.
    /// - Parameter defaultID: The id where the event has none: the invocation's.
    public init(event: JSONValue, defaultID: String) throws(AgentError) {
        guard event.object != nil else { throw .invalidEvent("it is not a JSON object") }
        guard let session = event["session"]?.string else { throw .invalidEvent("\"session\" must be a string") }
        let id: String
        switch event["id"] {
        case nil, .null?: id = defaultID
        case .string(let given)?: id = given.value
        default: throw .invalidEvent("\"id\" must be a string")
        }
        guard (1...Self.maximumIDLength).contains(id.utf8.count) else {
            throw .invalidEvent("\"id\" must be 1 to \(Self.maximumIDLength) bytes long")
        }
        let wantsStream: Bool
        switch event["stream"] {
        case nil, .null?: wantsStream = false
        case .bool(let wish)?: wantsStream = wish
        default: throw .invalidEvent("\"stream\" must be true or false")
        }
        switch (event["message"], event["decisions"]) {
        case (.string(let message)?, nil):
            guard message.value.utf8.count <= Self.maximumMessageLength else {
                throw AgentError(
                    .messageTooLarge,
                    "the message is longer than \(Self.maximumMessageLength) bytes; put long texts into a file"
                )
            }
            self.init(session: session, id: id, content: .message(message.value), wantsStream: wantsStream)
        case (nil, .array(let items)?) where !items.isEmpty:
            var verdicts: [Verdict] = []
            for item in items { verdicts.append(try Verdict(event: item)) }
            self.init(session: session, id: id, content: .decisions(verdicts), wantsStream: wantsStream)
        default:
            throw .invalidEvent("it must have either \"message\", a string, or \"decisions\", an array of some")
        }
        after = try EventCursor(event: event)
        if after != nil { self.wantsStream = true }
    }
}

extension Verdict {
    fileprivate init(event: JSONValue) throws(AgentError) {
        guard let position = event["call"]?.string.flatMap(CallPosition.init) else {
            throw .invalidEvent("each decision needs \"call\", as the approval named it")
        }
        guard let isApproved = event["approve"]?.bool else {
            throw .invalidEvent("each decision needs \"approve\", true or false")
        }
        self.init(position: position, isApproved: isApproved, reason: event["reason"]?.string)
    }
}

/// What an agent answers.
public struct AgentResponse: Sendable, Hashable {
    /// The session's id.
    public var session: String
    /// The request's id.
    public var id: String
    /// How the turn ended.
    public var outcome: Outcome

    /// `{"session":"…","id":"…","status":"completed","reply":"…"}`, with the fields of the outcome.
    public var json: JSONValue {
        var object: JSONObject = ["session": .init(session), "id": .init(id)]
        for (key, value) in outcome.json { object[key] = value }
        return .object(object)
    }
}
