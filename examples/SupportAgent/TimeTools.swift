// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

/// Has the agent come back to the customer by itself. The call is run again after a crash, and schedules one message.
struct FollowUp: Tool {
    struct Arguments: Codable {
        let days: Int
        let about: String
    }

    let calendar: Calendar
    let description = "Reminds you, in some days, to ask the customer how it went."
    let effect = ToolEffect.idempotent

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        // The time of the first attempt counts.
        let time = try await context.step("time") { calendar.time(inDays: arguments.days) }
        try await context.schedule("follow-up", at: time, message: "(Reminder) Follow up on: \(arguments.about)")
        return "You will be reminded in \(arguments.days) days."
    }
}

/// Waits until the warehouse has a parcel back. Nothing runs and nothing is held meanwhile.
struct AwaitReturn: Tool {
    struct Arguments: Codable {
        let number: Int
    }

    /// What the warehouse sends.
    struct Arrival: Codable {
        let condition: String
    }

    let calendar: Calendar
    let description = "Waits until an order's parcel is back in the warehouse, for two weeks at most."
    let effect = ToolEffect.idempotent

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let arrival = try await context.waitForSignal(
            "returned \(arguments.number)", as: Arrival.self, for: calendar.days(14))
        guard let arrival else { return "The parcel did not arrive within two weeks." }
        return "The parcel is back. Its condition: \(arrival.condition)."
    }
}
