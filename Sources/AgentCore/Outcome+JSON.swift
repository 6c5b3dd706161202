// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// How an outcome is written down and answered: the same object in the file, and to the caller.
extension Outcome {
    /// `{"status":"completed","reply":"…"}`, `{"status":"failed","reason":"…"}`, or
    /// `{"status":"awaiting","approvals":[{"call":"3.0","id":"…","tool":"refund","arguments":"…","reason":"…"}]}`.
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
                    approvals.map {
                        [
                            "call": .init($0.position.description), "id": .init($0.call.id),
                            "tool": .init($0.call.name), "arguments": .init($0.call.arguments),
                            "reason": .init($0.reason),
                        ]
                    }),
            ]
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
        default:
            return nil
        }
    }
}

extension Approval {
    fileprivate init?(json: JSONValue) {
        guard let position = json["call"]?.string.flatMap(CallPosition.init), let id = json["id"]?.string,
            let tool = json["tool"]?.string, let arguments = json["arguments"]?.string,
            let reason = json["reason"]?.string
        else { return nil }
        self.init(position: position, call: ToolCall(id: id, name: tool, arguments: arguments), reason: reason)
    }
}
