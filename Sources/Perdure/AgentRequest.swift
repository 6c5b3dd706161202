// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
public import JSONCore

/// What an agent is asked: a message, decisions on approvals, or what else sets a turn of one session going or ends it.
public struct AgentRequest: Sendable, Hashable {
    /// The contents.
    public enum Content: Sendable, Hashable {
        /// What the user says.
        case message(String)
        /// Decisions on the approvals that a turn ended with.
        case decisions([Verdict])
        /// Something that a tool waits for. Names that begin with `subagent/` are refused.
        case signal(name: String, value: JSONValue)
        /// The turn is to be called off.
        case cancel(reason: String?)
        /// The turn is to go on: the one of the request with this id, or, with an id of its own, one that was parked.
        case resume
        /// Something is due, unless it has been done. Sent by ``Wakes``.
        case wake
        /// A message that the session has asked for is due. Sent by ``Wakes``.
        case scheduled(id: String)
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
    /// How many invocations in a row, before this one, went by without anything done. Sent by ``Wakes``.
    var fruitless = 0

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
    /// `"decisions":[{"call":"3.0","approve":true,"reason":"…"}]` in place of the message; a decision's `"arguments"`, an
    /// object, are what the call runs with instead. `"stream":true` asks for the text as it is written, and `"after":"…"` for it
    /// from there on.
    ///
    /// Other contents in place of the message: `"input":…`, any JSON, for a workflow, `"signal":{"name":"…","value":…}`, `"cancel":true` (with `"reason":"…"`), and
    /// `"resume":true`, which goes on with the turn of the request that had this id, or, with a new id, with one that was
    /// parked. `"wake":true` and `"schedule":"…"` are what the function sends itself.
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
        self.init(session: session, id: id, content: try Content(event: event), wantsStream: wantsStream)
        // Anybody can send an event: one more than this is still a number.
        fruitless = min(max(0, event["fruitless"]?.int ?? 0), 1 << 30)
        after = try EventCursor(event: event)
        if after != nil { self.wantsStream = true }
    }
}

extension AgentRequest.Content {
    private static let fields = ["message", "input", "decisions", "signal", "cancel", "resume", "wake", "schedule"]

    fileprivate init(event: JSONValue) throws(AgentError) {
        let present = Self.fields.filter { event[$0] != nil }
        guard let field = present.first, present.count == 1, let value = event[field] else {
            throw .invalidEvent("it must have exactly one of \(Self.fields.joined(separator: ", "))")
        }
        switch (field, value) {
        case ("message", .string), ("input", _):
            // What a workflow works on is its message, as JSON.
            let message = field == "input" ? value.description : value.string ?? ""
            guard message.utf8.count <= AgentRequest.maximumMessageLength else {
                throw AgentError(
                    .messageTooLarge,
                    "the message is longer than \(AgentRequest.maximumMessageLength) bytes; put long texts into a file"
                )
            }
            self = .message(message)
        case ("decisions", .array(let items)) where !items.isEmpty:
            var verdicts: [Verdict] = []
            for item in items { verdicts.append(try Verdict(event: item)) }
            self = .decisions(verdicts)
        case ("signal", .object(let signal)):
            guard let name = signal["name"]?.string, (1...256).contains(name.utf8.count) else {
                throw .invalidEvent("a signal needs \"name\", a string of 1 to 256 bytes")
            }
            self = .signal(name: name, value: signal["value"] ?? .null)
        case ("cancel", true): self = .cancel(reason: event["reason"]?.string)
        case ("resume", true): self = .resume
        case ("wake", true): self = .wake
        case ("schedule", .string(let id)): self = .scheduled(id: id.value)
        case ("message", _), ("schedule", _): throw .invalidEvent("\"\(field)\" must be a string")
        case ("decisions", _): throw .invalidEvent("\"decisions\" must be an array of some")
        case ("signal", _): throw .invalidEvent("\"signal\" must be an object")
        default: throw .invalidEvent("\"\(field)\" must be true")
        }
    }
}

extension Verdict {
    init(event: JSONValue) throws(AgentError) {
        guard var path = event["call"]?.string.flatMap([CallPosition].init(name:)), let position = path.popLast()
        else {
            throw .invalidEvent("each decision needs \"call\", as the approval named it")
        }
        guard let isApproved = event["approve"]?.bool else {
            throw .invalidEvent("each decision needs \"approve\", true or false")
        }
        var arguments: String?
        switch event["arguments"] {
        case nil, .null?: break
        case .object(let object)?: arguments = JSONValue.object(object).description
        default: throw .invalidEvent("\"arguments\" of a decision must be an object")
        }
        self.init(
            position: position, isApproved: isApproved, reason: event["reason"]?.string, arguments: arguments)
        self.path = path
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
