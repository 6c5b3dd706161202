// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore

/// A schedule as its creator described it.
struct OneTimeSchedule: Sendable {
    /// Names are unique in a group.
    struct Key: Hashable, Comparable {
        var group: String
        var name: String

        static func < (left: Key, right: Key) -> Bool { (left.group, left.name) < (right.group, right.name) }
    }

    var key: Key
    var expression: String
    var timeZone: String
    var moment: Date
    var isEnabled: Bool
    var isDeletedAfterCompletion: Bool
    var description: String?
    var window: JSONValue
    var target: JSONValue
    /// The function's name or ARN.
    var function: FunctionName
    /// The event.
    var input: String
    /// Makes a repeated request known.
    var token: String?
    var created: Date
    var modified: Date
    var hasFired = false

    /// Reads the body of CreateSchedule or UpdateSchedule; `now` is the time that schedules go by.
    init(name: String, body: JSONValue, now: Date) throws(SchedulerAPIError) {
        func text(_ member: String) -> String? { body[member]?.string }
        key = Key(group: text("GroupName") ?? Self.defaultGroup, name: name)
        guard Self.isName(key.name) else { throw .validation("Name is not 1 to 64 of [0-9a-zA-Z-_.]") }
        guard Self.isName(key.group) else { throw .validation("GroupName is not 1 to 64 of [0-9a-zA-Z-_.]") }
        guard let expression = text("ScheduleExpression") else { throw .validation("There is no ScheduleExpression") }
        self.expression = expression
        timeZone = text("ScheduleExpressionTimezone") ?? "UTC"
        moment = try Self.moment(expression, timeZone: timeZone)
        // What AWS does with a moment that has passed is not documented: nobody is to rely on it.
        guard moment > now else { throw .validation("Invalid Schedule Expression \(expression): it has passed") }
        guard let window = body["FlexibleTimeWindow"], ["OFF", "FLEXIBLE"].contains(window["Mode"]?.string) else {
            throw .validation("FlexibleTimeWindow has no Mode of OFF or FLEXIBLE")
        }
        self.window = window
        guard ["ENABLED", "DISABLED", nil].contains(text("State")) else { throw .validation("State is unknown") }
        isEnabled = text("State") != "DISABLED"
        guard ["NONE", "DELETE", nil].contains(text("ActionAfterCompletion")) else {
            throw .validation("ActionAfterCompletion is unknown")
        }
        isDeletedAfterCompletion = text("ActionAfterCompletion") == "DELETE"
        description = text("Description")
        guard let target = body["Target"], let arn = target["Arn"]?.string, let function = FunctionName(arn) else {
            throw .validation("Target.Arn is not that of a function, and this emulator has nothing else")
        }
        guard let role = target["RoleArn"]?.string, role.wholeMatch(of: /arn:aws(-[a-z]+)*:iam::\d{12}:role\/.+/) != nil
        else { throw .validation("Target.RoleArn is no ARN of a role") }
        self.target = target
        self.function = function
        input = target["Input"]?.string ?? "{}"
        guard (try? JSONValue(parsing: Array(input.utf8))) != nil else {
            throw .validation("Target.Input is not JSON")
        }
        token = text("ClientToken")
        guard token?.wholeMatch(of: /[a-zA-Z0-9_-]{1,64}/) != nil || token == nil else {
            throw .validation("ClientToken is not 1 to 64 of [a-zA-Z0-9-_]")
        }
        created = now
        modified = now
    }

    static let defaultGroup = "default"

    /// EventBridge Scheduler's API reference: `^[0-9a-zA-Z-_.]+$`, at most 64.
    static func isName(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-zA-Z_.-]{1,64}/) != nil }

    var arn: String {
        "arn:aws:scheduler:\(SandboxEnvironment.defaultRegion):\(FunctionName.account):schedule/\(key.group)/\(key.name)"
    }

    /// The answer of GetSchedule.
    var details: JSONValue {
        var members: [(key: String, value: JSONValue)] = summaryMembers
        members.removeAll { $0.key == "Target" }
        members += [
            ("ActionAfterCompletion", isDeletedAfterCompletion ? "DELETE" : "NONE"), ("FlexibleTimeWindow", window),
            ("ScheduleExpression", JSONValue(expression)), ("ScheduleExpressionTimezone", JSONValue(timeZone)),
        ]
        if let description { members.append(("Description", JSONValue(description))) }
        var full = target.object ?? [:]
        // The documented defaults.
        if full["RetryPolicy"] == nil {
            full["RetryPolicy"] = ["MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185]
        }
        members.append(("Target", .object(full)))
        return .object(JSONObject(members))
    }

    /// An entry of ListSchedules.
    var summary: JSONValue { .object(JSONObject(summaryMembers)) }

    private var summaryMembers: [(key: String, value: JSONValue)] {
        [
            ("Arn", JSONValue(arn)), ("CreationDate", Self.timestamp(created)), ("GroupName", JSONValue(key.group)),
            ("LastModificationDate", Self.timestamp(modified)), ("Name", JSONValue(key.name)),
            ("State", isEnabled ? "ENABLED" : "DISABLED"), ("Target", ["Arn": target["Arn"] ?? .null]),
        ]
    }

    private static func timestamp(_ date: Date) -> JSONValue {
        JSONNumber(date.timeIntervalSince1970).map { .number($0) } ?? .null
    }

    private static func moment(_ expression: String, timeZone: String) throws(SchedulerAPIError) -> Date {
        let pattern = /at\((\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\)/
        guard let match = expression.wholeMatch(of: pattern)?.output else {
            throw .validation(
                "Invalid Schedule Expression \(expression): this emulator has at(yyyy-mm-ddThh:mm:ss) only")
        }
        guard let zone = TimeZone(identifier: timeZone) else { throw .validation("\(timeZone) is no time zone") }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let fields = DateComponents(
            year: Int(match.1), month: Int(match.2), day: Int(match.3), hour: Int(match.4), minute: Int(match.5),
            second: Int(match.6))
        guard fields.isValidDate(in: calendar), let date = calendar.date(from: fields) else {
            throw .validation("Invalid Schedule Expression \(expression): there is no such moment")
        }
        return date
    }
}
