// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Takes so long, by its own word, that it is always left to the next invocation.
private struct Long: Tool {
    struct Arguments: Codable {}
    let name = "long"
    let description = "Works."
    let timeLimit: Duration? = .seconds(3600)
    let diary: Diary

    func call(arguments: Arguments, context: ToolContext) async throws -> String {
        diary.note("worked")
        return "worked"
    }
}

/// How turns of agents that are tools end with the turn above them, and outlast invocations with it.
extension SubagentTests {
    /// The kinds of the log's entries of the one session that the agent below has.
    private func kindsBelow() throws -> [Entry.Kind] {
        let helpers = try store.sessions().readable.filter { $0.agent == "helper" }
        try #require(helpers.count == 1)
        let session = try store.leaseExisting(
            SessionID(helpers[0].session), of: AgentName("helper"), until: .now.advanced(by: .seconds(10)))
        let kinds = try session.entries().map(\.kind)
        try session.release()
        return kinds
    }

    /// A team whose session queues messages, and whose other agent comes to wait once it gets through the gate.
    private func queueing(behind gate: Barrier) -> (lead: Agent, calls: PlainModel) {
        let helper = PlainModel { _ in
            try await gate.pass()
            return ModelReply(text: "", toolCalls: [ToolCall(id: "x", name: "sleepy", arguments: "{}")])
        }
        var team = team(helper, Sleepy())
        team.lead.whenBusy = .queue(.atEnd)
        return team
    }

    private static let stop: JSONValue = ["session": "a", "id": "stop", "cancel": true]

    @Test func `an agent below may need more invocations than a turn may be interrupted`() async throws {
        let helper = PlainModel { messages in
            let done = messages.count { if case .tool = $0 { true } else { false } }
            if done == 6 { return ModelReply(text: "helped") }
            return ModelReply(text: "", toolCalls: [ToolCall(id: "\(done)", name: "long", arguments: "{}")])
        }
        let team = team(helper, Long(diary: diary))
        var lead = team.lead
        lead.maximumInterruptions = 2
        let service = Calendar()
        let runtime = try AgentRuntime(lead, store: store, wakes: service.wakes)
        var event = start
        var outcome = Outcome.continuing
        while outcome == .continuing {
            let request = try AgentRequest(event: event, defaultID: "none")
            outcome = try await runtime.respond(to: request, deadline: .now.advanced(by: .seconds(30))).outcome
            event = try #require(service.invoked.last)
        }
        #expect(outcome == .completed(reply: "helped"))
        #expect(service.invoked.count == 6)
        #expect(diary.done.count == 6 && helper.calls == 7 && team.calls.calls == 2)
    }

    @Test func `a turn that is called off while it runs calls off the other agent's`() async throws {
        let gate = Barrier()
        let team = team(
            PlainModel.calling(("gatekeeper", "{}")), Gatekeeper(effect: .idempotent, gate: gate))
        async let first = send(start, to: team.lead)
        try await eventually { gate.isReached }
        #expect(try await send(Self.stop, to: team.lead) == .queued)
        #expect(try await first == .cancelled)
        #expect(try kindsBelow().last == .cancel)
        #expect(try await send(Self.stop, to: team.lead) == .cancelled)
    }

    @Test func `a request for a turn that was interrupted calls off the other agent's as well`() async throws {
        let gate = Barrier()
        let team = team(
            PlainModel.calling(("gatekeeper", "{}")), Gatekeeper(effect: .idempotent, gate: gate))
        let (lead, start) = (team.lead, start)
        let task = Task { try await send(start, to: lead) }
        try await eventually { gate.isReached }
        task.cancel()
        await #expect(throws: AgentError.self) { try await task.value }
        // The one who was told ends before he has done anything about it.
        var killed = try store.lease(SessionID("a"), of: AgentName("lead"), attempt: "killed", until: .now)
        try killed.attendInbox()
        #expect(try await send(Self.stop, to: lead) == .queued)
        try killed.release()
        #expect(try await send(start, to: lead) == .cancelled)
        #expect(try kindsBelow().last == .cancel)
    }

    @Test func `a message takes its turn though the other agent's was called off before`() async throws {
        let pay = PlainModel.calling(("pay", #"{"cents":5}"#))
        let team = team(pay, Pay(diary: diary))
        guard case .awaiting = try await send(start, to: team.lead) else { throw Unreachable() }
        // What is left of a request to call both off that breaks off between the two commits.
        let below = try #require(try store.sessions().readable.first { $0.agent == "helper" }).session
        let stop: JSONValue = [
            "session": .init(below), "id": .init("\(below.dropFirst(2))/cancel"), "cancel": true, "reason": "enough",
        ]
        let helper = Agent(name: "helper", instructions: "", model: pay) { Pay(diary: diary) }
        #expect(try await send(stop, to: helper) == .cancelled)
        let next: JSONValue = ["session": "a", "id": "2", "message": "Never mind"]
        guard case .completed = try await send(next, to: team.lead) else { throw Unreachable() }
        #expect(diary.done.isEmpty)
    }

    @Test func `a queued message that ends a wait calls off the other agent's turn`() async throws {
        let gate = Barrier()
        let lead = queueing(behind: gate).lead
        async let first = send(start, to: lead)
        try await eventually { gate.isReached }
        let second: JSONValue = ["session": "a", "id": "2", "message": "Never mind"]
        #expect(try await send(second, to: lead) == .queued)
        gate.open()
        _ = try await first
        guard case .completed(let reply) = try await send(second, to: lead) else { throw Unreachable() }
        #expect(try await send(start, to: lead) == .completed(reply: reply))
        #expect(try kindsBelow().last == .cancel)
    }

    @Test func `a queued message that cannot be put on record stays in the inbox`() async throws {
        let gate = Barrier()
        let (lead, calls) = queueing(behind: gate)
        let (store, folder) = (store, root.path)
        // As the turn above comes to wait, the file of the one below cannot be read for a while.
        let whole = Mutex<(file: URL, contents: Data)?>(nil)
        let wakes = Wakes { _ in
        } schedule: { _, _, _ in
            store.closeWarmSessions()
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder)
            let name = try #require(files.first { $0.hasPrefix("helper/") && $0.hasSuffix("s.db") })
            let file = URL(filePath: "\(folder)/\(name)")
            try whole.withLock { $0 = (file, try Data(contentsOf: file)) }
            try Data("no database".utf8).write(to: file)
        }
        async let first = send(start, to: lead, wakes: wakes)
        try await eventually { gate.isReached }
        let second: JSONValue = ["session": "a", "id": "2", "message": "Never mind"]
        #expect(try await send(second, to: lead) == .queued)
        gate.open()
        #expect(try await first == .suspended(until: diary.now + 3_600_000))
        try whole.withLock { whole in
            let whole = try #require(whole)
            try whole.contents.write(to: whole.file)
        }
        // Whoever holds the session next sees to it.
        _ = try await send(start, to: lead)
        guard case .completed = try await send(start, to: lead) else { throw Unreachable() }
        #expect(try kindsBelow().last == .cancel)
        #expect(calls.calls == 2)
    }
}
