// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import SessionStore
import Testing

@Suite(.timeLimit(.minutes(1))) struct MemoryCommandTests {
    let sessions: StoredSessions

    init() throws {
        sessions = try StoredSessions()
        for id in try [SessionID("ada"), .sharedMemory] {
            var lease = try sessions.store.lease(id, of: AgentName("support"), attempt: "1", until: .now)
            try lease.change(.write(MemoryPath("people/ada.txt"), text: "Ada drinks tea.\n\u{1B}[2J"))
            if id.isReserved { try lease.change(.write(MemoryPath("policy"), text: "Refunds within 30 days.")) }
            try lease.release()
        }
        sessions.store.closeWarmSessions()
    }

    func run(_ arguments: String...) async throws -> (status: Int32, output: String, errors: String) {
        try await sessions.run(arguments + ["--root", sessions.root])
    }

    func json(_ output: String) throws -> JSONValue { try JSONValue(parsing: output.utf8) }

    @Test func `a session's memory is listed, shown and searched`() async throws {
        let list = try await run("memory", "ada").output.split(separator: "\n")
        #expect(list.count == 2 && list[1].hasPrefix("people/ada.txt  20     1        1     2026-01-02T03:04:05.678Z"))
        let found = try await run("memory", "ada", "--search", "tea")
        #expect(found.output == "people/ada.txt: Ada drinks tea.\\n\\u{1B}[2J\n" && found.status == 0)
        let text = try await run("memory", "ada", "--show", "/memories/people/ada.txt")
        #expect(text.output == "Ada drinks tea.\n\\u{1B}[2J\n", "nothing in it reaches the terminal")
        #expect(try await run("memory", "ada", "--search", "coffee").output == "no memory matches\n")
    }

    @Test func `the memory that sessions share is read in the same way`() async throws {
        let list = try json(try await run("memory", "--shared", "--json").output)
        #expect(list.array?.map { $0["path"]?.string } == ["people/ada.txt", "policy"])
        let text = try await run("memory", "--shared", "--agent", "support", "--show", "policy", "--json")
        #expect(try json(text.output)["text"]?.string == "Refunds within 30 days.")
        let stale = try await run("memory", "--shared", "--unused-for", "1", "--json")
        #expect(try json(stale.output).array?.count == 2)
        #expect(try await run("memory", "--shared", "--unused-for", "100000").output == "no memories\n")
        #expect(try await run("sessions").output.contains("memory") == false)
    }

    @Test(arguments: [
        ["memory"], ["memory", "ada", "--shared"], ["memory", "ada", "--show", "../x"], ["memory", "nobody"],
        ["memory", "ada", "--show", "none"], ["memory", "ada", "--show", "a", "--search", "b"],
        ["memory", "--shared", "--agent", "nobody"],
    ])
    func `what is not there, or makes no sense, is an error`(_ arguments: [String]) async throws {
        #expect(try await sessions.run(arguments + ["--root", sessions.root]).status != 0)
    }
}
