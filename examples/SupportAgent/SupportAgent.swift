// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

/// A customer-support agent: it looks orders up, refunds them, with a person's approval above a limit, waits for parcels that
/// come back, and asks days later how it went.
@main
struct SupportAgent: AgentFunction {
    let agent: Agent

    init() throws {
        let orders = try OrderBook.load()
        let calendar = Calendar()
        agent = Agent(
            name: "support",
            instructions: """
                You are the support agent of a small shop. Be brief and friendly. Look an order up before you talk about \
                it, and never refund more than was paid.
                """
        ) {
            LookUpOrder(orders: orders)
            RefundOrder(orders: orders, calendar: calendar)
            AwaitReturn(calendar: calendar)
            FollowUp(calendar: calendar)
        }
    }
}
