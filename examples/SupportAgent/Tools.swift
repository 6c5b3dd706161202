// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

/// Looks an order up. It only reads, so after a crash it is simply run again.
struct LookUpOrder: Tool {
    struct Arguments: Codable {
        let number: Int
    }

    let orders: OrderBook
    let description = "Looks up an order by its number: what was bought, what was paid, and where it is."
    let effect = ToolEffect.pure

    func call(arguments: Arguments, context: ToolContext) async throws -> Order {
        try orders.order(arguments.number)
    }
}

/// Pays money back. Every run counts, so an interrupted refund is never repeated by itself.
struct RefundOrder: Tool {
    struct Arguments: Codable {
        let number: Int
        let cents: Int
    }

    /// The most that is refunded without a person, in cents.
    static let limit = 50_00

    let orders: OrderBook
    let calendar: Calendar
    let description = "Refunds an order, in whole or in part. The amount is in cents."

    func approval(for arguments: Arguments) -> ApprovalRequirement {
        arguments.cents <= Self.limit
            ? .notRequired
            : .required(
                reason: "a refund above \(Self.limit / 100) euro needs a person's approval", within: calendar.days(3))
    }

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        let order = try orders.order(arguments.number)
        let left = order.paidCents - (try orders.refundedCents(of: order))
        guard arguments.cents >= 1, arguments.cents <= left else { throw OrderError.amount(left: left) }
        try orders.recordRefund(of: order, cents: arguments.cents, key: context.idempotencyKey)
        return "Refunded \(arguments.cents) cents of order \(order.number)."
    }
}
