// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// One event for one function at one moment, as EventBridge Scheduler keeps it. The schedule is deleted afterwards.
package struct OneTimeSchedule: Sendable, Hashable {
    /// 1 to 64 of `[0-9a-zA-Z-_.]`, once in its group.
    package var name: String
    /// The group that it belongs to, which must exist.
    package var group: String
    /// When the event is sent: from this second on, within one minute ("60 second precision").
    package var moment: UTCTime
    /// The ARN of the function, with or without a qualifier.
    package var target: String
    /// The ARN of the role that lets the scheduler invoke it.
    package var role: String
    /// The event, JSON.
    package var input: String

    /// Describes a schedule.
    package init(
        name: String, group: String = "default", moment: UTCTime, target: String, role: String, input: String
    ) {
        self.name = name
        self.group = group
        self.moment = moment
        self.target = target
        self.role = role
        self.input = input
    }

    /// A name that is the same for the same text everywhere and for ever: a prefix and 56 hexadecimal digits.
    package static func name(for key: String) -> String { "perdure-" + SHA256.hexDigest(of: key).prefix(56) }

    /// Reads the answer of GetSchedule; nil for a schedule of another kind.
    init?(_ body: JSONValue) {
        guard let name = body["Name"]?.string, let group = body["GroupName"]?.string,
            let expression = body["ScheduleExpression"]?.string, expression.hasPrefix("at("), expression.hasSuffix(")"),
            let moment = UTCTime(parsing: String(expression.dropFirst(3).dropLast())),
            let target = body["Target"], let arn = target["Arn"]?.string, let role = target["RoleArn"]?.string
        else { return nil }
        self.init(
            name: name, group: group, moment: moment, target: arn, role: role, input: target["Input"]?.string ?? "{}")
    }

    /// The body of CreateSchedule and of UpdateSchedule, which replaces all of it.
    func body(token: String) -> JSONValue {
        [
            "ClientToken": JSONValue(token), "GroupName": JSONValue(group),
            "ScheduleExpression": JSONValue("at(\(moment.extended))"), "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": ["Mode": "OFF"], "ActionAfterCompletion": "DELETE", "State": "ENABLED",
            "Target": ["Arn": JSONValue(target), "RoleArn": JSONValue(role), "Input": JSONValue(input)],
        ]
    }
}
