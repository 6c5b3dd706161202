// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import Testing

/// What the article about memory shows.
@Suite struct MemoryArticleTests {
    @Test func `an agent has a memory of its session, of all sessions, or both`() throws {
        let bench = try Bench()
        do {
            let agent = Agent(name: "support", instructions: "You help.") {
                MemoryTool()
                SearchMemory()
            }
            #expect(agent.tools.map(\.name) == ["memory", "search_memory"])
        }
        do {
            let agent = Agent(name: "support", instructions: "You help.") {
                MemoryTool(.sharedByAgent)
                SearchMemory(.sharedByAgent)
            }
            #expect(agent.tools.map(\.effect) == [.idempotent, .pure])
        }
        do {
            let agent = Agent(name: "faq", instructions: "You answer.", responseCache: .timeToLive(.seconds(3600)))
            #expect(agent.responseCache?.capacity == 16 << 20)
        }
        let model = OpenAICompatibleModel(baseURL: "http://host/v1", model: "m")
        let tools: [any Tool] = [MemoryTool(), MemoryTool(.sharedByAgent, name: "shared_memory")]
        _ = try bench.runtime(model, tools: tools)
    }

    @Test func `what was not used for long is removed`() throws {
        let bench = try Bench()
        let store = bench.store
        var old = try store.lease(SessionID("ada"), of: AgentName("support"), attempt: "1", until: .now)
        try old.change(.write(MemoryPath("old"), text: ""))
        try old.release()
        let monthAgo = wallClock() + 1000
        do {
            var session = try store.lease(SessionID("ada"), of: AgentName("support"), attempt: "tidy", until: .now)
            for memory in try session.staleMemories(notUsedSince: monthAgo) {
                try session.change(.remove(memory.path))
            }
            try session.release()
        }
        let after = try store.lease(SessionID("ada"), of: AgentName("support"), attempt: "1", until: .now)
        #expect(try after.memories().isEmpty)
        try after.release()
    }
}
