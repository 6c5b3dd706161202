// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore

/// The schedules that there are.
struct ScheduleBook {
    /// Groups beside the default one. They are not made by requests: those of the functions' environments exist.
    private let groups: Set<String>
    private var schedules: [OneTimeSchedule.Key: OneTimeSchedule] = [:]

    init(functions: [FunctionConfiguration]) {
        groups = Set(functions.compactMap { $0.environment["PERDURE_SCHEDULE_GROUP"] } + [OneTimeSchedule.defaultGroup])
    }

    /// Adds a schedule, and returns its ARN. The same request again, known by its token, does nothing.
    mutating func create(_ schedule: OneTimeSchedule) throws(SchedulerAPIError) -> String {
        try check(group: schedule.key.group)
        if let known = schedules[schedule.key] {
            guard let token = schedule.token, token == known.token else { throw .exists(schedule.key.name) }
            return known.arn
        }
        schedules[schedule.key] = schedule
        return schedule.arn
    }

    /// Puts a schedule in the place of the one of its name.
    mutating func update(_ schedule: OneTimeSchedule) throws(SchedulerAPIError) -> String {
        var schedule = schedule
        let known = try get(schedule.key)
        schedule.created = known.created
        schedule.token = known.token
        schedules[schedule.key] = schedule
        return schedule.arn
    }

    mutating func delete(_ key: OneTimeSchedule.Key) throws(SchedulerAPIError) {
        schedules[try get(key).key] = nil
    }

    func get(_ key: OneTimeSchedule.Key) throws(SchedulerAPIError) -> OneTimeSchedule {
        try check(group: key.group)
        guard let schedule = schedules[key] else { throw .notFound(schedule: key.name) }
        return schedule
    }

    /// One page of the schedules, in the order of their names; the token is the last one of the page before.
    func list(_ query: [String: String]) throws(SchedulerAPIError) -> JSONValue {
        let size = query["MaxResults"].map { Int($0) ?? 0 } ?? 100
        guard (1...100).contains(size) else { throw .validation("MaxResults is not 1 to 100") }
        if let group = query["ScheduleGroup"] { try check(group: group) }
        let found = schedules.values.filter { schedule in
            query["ScheduleGroup"].map { schedule.key.group == $0 } ?? true
                && schedule.key.name.hasPrefix(query["NamePrefix"] ?? "")
                && query["State"].map { schedule.isEnabled == ($0 == "ENABLED") } ?? true
                && query["NextToken"].map { "\(schedule.key.group)/\(schedule.key.name)" > $0 } ?? true
        }.sorted { $0.key < $1.key }
        let page = found.prefix(size)
        var answer: JSONObject = ["Schedules": .array(page.map(\.summary))]
        if page.count < found.count, let last = page.last {
            answer["NextToken"] = JSONValue("\(last.key.group)/\(last.key.name)")
        }
        return .object(answer)
    }

    /// When the next schedule is due; nil when none is to come.
    var next: Date? { schedules.values.filter { $0.isEnabled && !$0.hasFired }.map(\.moment).min() }

    /// The schedules that have become due, in the order of their moments. They are not due again.
    mutating func takeDue(at now: Date) -> [OneTimeSchedule] {
        let due = schedules.values.filter { $0.isEnabled && !$0.hasFired && $0.moment <= now }
            .sorted { ($0.moment, $0.key) < ($1.moment, $1.key) }
        for schedule in due {
            if schedule.isDeletedAfterCompletion {
                schedules[schedule.key] = nil
            } else {
                schedules[schedule.key]?.hasFired = true
            }
        }
        return due
    }

    private func check(group: String) throws(SchedulerAPIError) {
        guard groups.contains(group) else { throw .notFound(group: group) }
    }
}
