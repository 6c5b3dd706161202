// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// How an outcome is written down and answered: the same object in the file, and to the caller.
extension Outcome {
    /// `{"status":"completed","reply":"…"}`, `{"status":"failed","reason":"…"}`, or
    /// `{"status":"awaiting","approvals":[{"call":"3.0","id":"…","tool":"refund","arguments":"…","reason":"…"}]}`, and
    /// `{"status":"suspended","until":…}`, `{"status":"continuing"}`, `{"status":"parked","reason":"…"}`,
    /// `{"status":"cancelled"}` and `{"status":"queued"}`. Times (`until`, and `expires` of an approval) are milliseconds since 1970.
    public var json: JSONObject {
        switch self {
        case .completed(let reply):
            ["status": "completed", "reply": .init(reply)]
        case .failed(let reason):
            ["status": "failed", "reason": .init(reason)]
        case .awaiting(let approvals):
            [
                "status": "awaiting",
                "approvals": .array(
                    approvals.map(\.json)),
            ]
        case .suspended(let until):
            ["status": "suspended", "until": until.map { .init(Int($0)) } ?? .null]
        case .continuing:
            ["status": "continuing"]
        case .parked(let reason):
            ["status": "parked", "reason": .init(reason)]
        case .cancelled:
            ["status": "cancelled"]
        case .queued:
            ["status": "queued"]
        }
    }

    /// Reads what ``json`` wrote, or returns nil.
    public init?(json: JSONValue) {
        switch json["status"]?.string {
        case "completed":
            guard let reply = json["reply"]?.string else { return nil }
            self = .completed(reply: reply)
        case "failed":
            guard let reason = json["reason"]?.string else { return nil }
            self = .failed(reason: reason)
        case "awaiting":
            guard let items = json["approvals"]?.array else { return nil }
            let approvals = items.compactMap(Approval.init(json:))
            guard approvals.count == items.count else { return nil }
            self = .awaiting(approvals)
        case "suspended":
            self = .suspended(until: json["until"]?.int.map { Int64($0) })
        case "continuing":
            self = .continuing
        case "parked":
            guard let reason = json["reason"]?.string else { return nil }
            self = .parked(reason: reason)
        case "cancelled":
            self = .cancelled
        case "queued":
            self = .queued
        default:
            return nil
        }
    }
}

extension Approval {
    package var json: JSONValue {
        var object: JSONObject = [
            "call": .init((path + [position]).name), "id": .init(call.id), "tool": .init(call.name),
            "arguments": .init(call.arguments), "reason": .init(reason),
        ]
        if let expires { object["expires"] = .init(Int(expires)) }
        return .object(object)
    }

    package init?(json: JSONValue) {
        guard var path = json["call"]?.string.flatMap([CallPosition].init(name:)), let position = path.popLast(),
            let id = json["id"]?.string,
            let tool = json["tool"]?.string, let arguments = json["arguments"]?.string,
            let reason = json["reason"]?.string
        else { return nil }
        self.init(
            position: position,
            call: ToolCall(id: id, name: tool, arguments: arguments),
            reason: reason,
            expires: json["expires"]?.int.map { Int64($0) }
        )
        self.path = path
    }
}

extension Verdict {
    /// The call's name: `3.0`, or `3.0/2.0` for a call of an agent behind a call.
    package var name: String { (path + [position]).name }

    /// As an event has it.
    package var json: JSONValue {
        var object: JSONObject = ["call": .init(name), "approve": .init(isApproved)]
        if let reason { object["reason"] = .init(reason) }
        if let arguments { object["arguments"] = (try? JSONValue(parsing: arguments.utf8)) ?? .null }
        return .object(object)
    }
}
