// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import PerdureObservability
import Testing

@Suite struct ArticleTests {
    @Test func `what the article shows compiles`() {
        let support = Agent(name: "support", instructions: "You help.").observed(by: Observability())
        #expect(support.observer is Observability)
    }
}
