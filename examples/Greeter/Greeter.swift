// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

@main
struct Greeter: AgentFunction {
    let agent = Agent(
        name: "greeter",
        instructions: "You are a friendly assistant. Answer in one or two sentences."
    )
}

extension Greeter {
    static let streams = true
}
