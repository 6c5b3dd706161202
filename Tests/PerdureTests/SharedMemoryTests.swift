// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore
import Testing

@testable import Perdure

@Suite(.timeLimit(.minutes(1))) struct SharedMemoryTests {
    let root: TemporaryRoot
    let agent: AgentName

    init() throws {
        root = try TemporaryRoot()
        agent = try AgentName("agent")
    }

    @Test func `who waits for the memory holds nobody up who has less time`() async throws {
        let held = try SessionStore(root: root.path).lease(.sharedMemory, of: agent, attempt: "test", until: .now)
        let memory = try SharedMemory(SessionStore(root: root.path), of: agent)
        let patient = (1...8).map { _ in
            Task { try await memory.search("word", limit: 1, until: .now.advanced(by: .seconds(40))) }
        }
        let start = ContinuousClock.now
        await #expect(throws: MemoryRefusal.self) {
            try await memory.search("word", limit: 1, until: .now.advanced(by: .milliseconds(300)))
        }
        #expect(start.duration(to: .now) < .seconds(20))
        try held.release()
        for task in patient { #expect(try await task.value.isEmpty) }
    }

    @Test func `an agent can search both memories`() throws {
        let model = OpenAICompatibleModel(baseURL: "http://host/v1", model: "m")
        let agent = Agent(name: "support", instructions: "", model: model) {
            SearchMemory()
            SearchMemory(.sharedByAgent, name: "search_shared_memory")
        }
        _ = try AgentRuntime(agent, store: SessionStore(root: root.path))
        #expect(agent.tools.map(\.name) == ["search_memory", "search_shared_memory"])
    }
}
