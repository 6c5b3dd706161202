// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
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

    @Test func `a text is removed, by its path or with its folder`() async throws {
        let removed = try await run("memory", "--shared", "--remove", "/memories/people")
        #expect(removed.output == "people was removed from the memory of support//memory\n", "\(removed.errors)")
        let left = try json(try await run("memory", "--shared", "--json").output)
        #expect(left.array?.map { $0["path"]?.string } == ["policy"])
        let again = try await run("memory", "--shared", "--remove", "people")
        #expect(again.status == 1 && again.errors.contains("no memory at that path"))
        #expect(try await run("memory", "ada").output.contains("people/ada.txt"))
    }

    @Test func `a shared memory is exported, erased and imported`() async throws {
        let lines = try await run("export", "--shared")
        #expect(lines.status == 0 && lines.output.contains("Refunds within 30 days."))
        let erased = try await run("erase", "--shared", "--json")
        #expect(try json(erased.output) == ["agent": "support", "session": "/memory", "erased": true])
        #expect(try await run("memory", "--shared").status == 64)
        let made = try await sessions.run(["import", "-", "--root", sessions.root], input: lines.output)
        #expect(made.status == 0, "\(made.errors)")
        #expect(try await run("memory", "--shared", "--show", "policy").output == "Refunds within 30 days.\n")
        #expect(try await run("export", "--shared").output == lines.output)
    }

    @Test func `a session is erased, and cached replies are, and nothing beside them`() async throws {
        var lease = try sessions.store.lease(.responseCache, of: AgentName("support"), attempt: "1", until: .now)
        try lease.cache(ModelReply(text: "Hi."), to: "k", timeToLive: .seconds(60), capacity: 1 << 20)
        try lease.release()
        sessions.store.closeWarmSessions()
        #expect(try await run("erase", "--replies").output == "support//replies was erased\n")
        #expect(try await run("erase", "--replies").errors.contains("no agent below"))
        #expect(try sessions.store.folders().count == 2)
        #expect(try await run("erase", "ada").output == "support/ada was erased\n")
        #expect(try await run("erase", "ada").status == 64)
        #expect(try sessions.store.folders().count == 1)
        #expect(try await run("memory", "--shared").output.contains("policy"))
    }

    @Test(arguments: [
        ["memory"], ["memory", "ada", "--shared"], ["memory", "ada", "--show", "../x"], ["memory", "nobody"],
        ["memory", "ada", "--show", "none"], ["memory", "ada", "--show", "a", "--search", "b"],
        ["memory", "--shared", "--agent", "nobody"], ["memory", "ada", "--show", "a", "--remove", "a"], ["erase"],
        ["erase", "ada", "--shared"], ["erase", "--shared", "--replies"], ["export", "ada", "--shared"], ["export"],
    ])
    func `what is not there, or makes no sense, is an error`(_ arguments: [String]) async throws {
        #expect(try await sessions.run(arguments + ["--root", sessions.root]).status != 0)
    }
}
