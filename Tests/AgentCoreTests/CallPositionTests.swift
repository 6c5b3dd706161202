// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import Testing

@Suite struct CallPositionTests {
    @Test(arguments: [(1, 0), (3, 12), (Int.max, Int.max)])
    func `what is written is read back`(_ reply: Int, _ index: Int) {
        let position = CallPosition(reply: reply, index: index)
        #expect(CallPosition(position.description) == position)
    }

    @Test(arguments: [
        "", ".", "1", "1.", ".1", "1.0.0", "0.1", "-1.0", "1.-1", "1.0 ", " 1.0", "1,0", "a.b", "1.0x10", "١.٠",
        "+1.0", "1.+0", "01.0", "1.00", "1.-0", "9223372036854775808.0",
    ])
    func `anything else is no position`(_ text: String) {
        #expect(CallPosition(text) == nil)
    }
}
