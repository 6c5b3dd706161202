// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaEmulator
import Perdure
import PerdureTesting
import Synchronization
import Testing

/// Turns that outlast an invocation: the function invokes itself, and schedules wake it, by the APIs that it uses on AWS.
@Suite(.serialized, .timeLimit(.minutes(3))) struct TimeTests {
    static let event: JSONValue = ["session": "s", "message": "Go.", "id": "request-1"]

    /// Asks for one call of a tool after each of its results, so often, and says then that all is done.
    static func calling(
        _ tool: String, ms: Int, times: Int = 1
    ) -> @Sendable (Int, JSONValue) -> ScriptedModelServer.Step {
        { _, request in
            let results = request["messages"]?.array?.filter { $0["role"]?.string == "tool" }.count ?? 0
            return results < times
                ? .toolCalls([.init(name: tool, arguments: #"{"ms":\#(ms)}"#)]) : .text("All done.")
        }
    }

    /// Waits for what a function does that nobody has called.
    func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let limit = ContinuousClock.now.advanced(by: .seconds(60))
        while try await !condition() {
            try #require(.now < limit, "\(what) did not come")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    static func wake(at due: Int) -> JSONValue {
        ["session": "s", "id": .init("wake/1/\(due)"), "wake": true]
    }

    // MARK: - Continuing

    @Test func `a turn goes on over three invocations that it makes itself`() async throws {
        try await Deployment.run(answer: Self.calling("work", ms: 20, times: 3)) { deployment in
            #expect(try await deployment.invoke(Self.event).answer["status"]?.string == "continuing")
            try await eventually("the last answer") { deployment.model.answeredCount == 4 }
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(deployment.model.requests.count == 4)
            #expect(Set(deployment.effects.map(\.key)).count == 3)
            #expect(deployment.effects.count == 6)
            #expect(
                try deployment.kinds
                    == "input reply pause attempt claim result reply pause attempt claim result reply pause "
                    + "attempt claim result reply")
        }
    }

    @Test func `a turn whose sandbox died before it invoked itself goes on with the same request`() async throws {
        let lambda = try ScriptedModelServer([.hang])
        let environment = ["AWS_ENDPOINT_URL_LAMBDA": lambda.url]
        try await Deployment.run(environment: environment, answer: Self.calling("work", ms: 20)) { deployment in
            async let first = deployment.invoke(Self.event)
            try await eventually("the invocation") { lambda.requests.count == 1 }
            #expect(lambda.requests == [["session": "s", "id": "request-1", "resume": true]])
            kill(try #require(await deployment.emulator.sandboxProcessIDs.first), SIGKILL)
            #expect(try await first.isError)
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(try deployment.kinds == "input reply pause attempt claim result reply")
            #expect(deployment.model.requests.count == 2)
        }
    }

    @Test func `an event whose sandbox is told to end goes on in the next`() async throws {
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, _ in
            number == 0 ? .hang : .text("All done.")
        }
        try await Deployment.run(configure: { $0.eventRetryDelays = [.milliseconds(1)] }, answer: answer) {
            deployment in
            try await deployment.post(Self.event)
            try await eventually("the model's call") { deployment.model.requests.count == 1 }
            kill(try #require(await deployment.emulator.sandboxProcessIDs.first), SIGTERM)
            try await eventually("the answer") { deployment.model.answeredCount == 1 }
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(try deployment.kinds == "input pause attempt reply")
        }
    }

    // MARK: - Suspended

    @Test func `a turn that waits is woken by a schedule, once`() async throws {
        try await Deployment.run(answer: Self.calling("nap", ms: 1500)) { deployment in
            let (first, _) = try await deployment.invoke(Self.event)
            let due = try #require(first["until"]?.int)
            #expect(try await deployment.schedules.count == 1)
            // Before its time: another wake is asked for, as this one may have been the only one.
            #expect(try await deployment.invoke(Self.wake(at: due)).answer["status"]?.string == "suspended")
            #expect(try await deployment.schedules.count == 2)

            try await eventually("the answer") { deployment.model.answeredCount == 2 }
            for event in [Self.event, Self.wake(at: due)] {
                #expect(try await deployment.invoke(event).answer["reply"]?.string == "All done.")
            }
            await deployment.emulator.advance(by: .seconds(120))
            #expect(try await deployment.schedules.isEmpty)
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(deployment.effects.map(\.tool) == ["down", "up"])
            #expect(deployment.model.requests.count == 2)
            #expect(try deployment.kinds == "input reply claim step step pause attempt claim step result reply")
        }
    }

    @Test func `a schedule that fires before the function's clock says so is made again`() async throws {
        try await Deployment.run(answer: Self.calling("nap", ms: 2000)) { deployment in
            let (first, _) = try await deployment.invoke(Self.event)
            let due = try #require(first["until"]?.int)
            let names = try await deployment.schedules
            await deployment.emulator.advance(by: .seconds(10))
            try await eventually("the next schedule") {
                let now = try await deployment.schedules
                return now.count == 1 && now != names
            }
            try await eventually("the time") { Int(Date.now.timeIntervalSince1970 * 1000) >= due }
            #expect(deployment.model.requests.count == 1)
            await deployment.emulator.advance(by: .seconds(60))
            try await eventually("the answer") { deployment.model.answeredCount == 2 }
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
        }
    }

    @Test func `an approval that nobody decides on in time is rejected by a schedule`() async throws {
        try await Deployment.run(answer: Self.calling("buy", ms: 1000)) { deployment in
            let (first, _) = try await deployment.invoke(Self.event)
            let call = try #require(first["approvals"]?.array?.first?["call"])
            #expect(try await deployment.schedules.count == 1)
            try await eventually("the answer") { deployment.model.answeredCount == 2 }
            let told = try #require(deployment.model.requests.last?["messages"]?.array?.last?["content"]?.string)
            #expect(told.contains("nobody decided in time"))
            let decision: JSONValue = ["session": "s", "id": "2", "decisions": [["call": call, "approve": true]]]
            let late = try await deployment.invoke(decision)
            #expect(late.isError && late.answer["errorType"]?.string == "Function.NoSuchApproval")
            #expect(deployment.effects.isEmpty)
        }
    }

    // MARK: - Messages

    static let reminded: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { _, request in
        let last = request["messages"]?.array?.last
        return switch (last?["role"]?.string, last?["content"]?.string) {
        case ("user", "Go."?): .toolCalls([.init(name: "remind", arguments: #"{"ms":1000}"#)])
        case ("user", "Water the plants."?): .text("Watered.")
        default: .text("All done.")
        }
    }

    @Test func `a message that a tool has scheduled is a turn of its own, once`() async throws {
        try await Deployment.run(answer: Self.reminded) { deployment in
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            try await eventually("the message") { deployment.model.answeredCount == 3 }
            // Once it is answered, nobody has the session.
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            let id = try deployment.query("SELECT json_extract(body, '$.id') FROM log WHERE kind = 'schedule'")
            let message: JSONValue = ["session": "s", "id": .init("schedule/\(id)"), "schedule": .init(id)]
            for _ in 0..<2 { #expect(try await deployment.invoke(message).answer["reply"]?.string == "Watered.") }
            #expect(deployment.model.requests.count == 3)
            #expect(
                try deployment.query("SELECT group_concat(turn || kind, ' ') FROM (SELECT * FROM log ORDER BY seq)")
                    == "1input 1reply 1claim 1schedule 1step 1result 1reply 2input 2reply")
        }
    }

    @Test func `a message that comes while another turn has the session waits for its end`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let answer: @Sendable (Int, JSONValue) -> ScriptedModelServer.Step = { number, request in
            // The answer to the reminder's result is held back until the message has come.
            number == 1
                ? .pieces(["All done."]) { _ in _ = gate.wait(timeout: .now() + 60) } : Self.reminded(number, request)
        }
        let starts = Lines()
        try await Deployment.run(concurrency: 2, log: { starts.add($0) }, answer: answer) { deployment in
            async let first = deployment.invoke(Self.event)
            try await eventually("the second sandbox") { starts.count(of: "START") == 2 }
            gate.signal()
            #expect(try await first.answer["reply"]?.string == "All done.")
            try await eventually("the message") { deployment.model.answeredCount == 3 }
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(
                try deployment.query("SELECT group_concat(turn || kind, ' ') FROM (SELECT * FROM log ORDER BY seq)")
                    == "1input 1reply 1claim 1schedule 1step 1result 1reply 2input 2reply")
        }
    }

    // MARK: - Refused

    @Test(arguments: [403, nil])
    func `a turn whose invocation of itself fails says so, and goes on with the same request`(
        status: Int?
    ) async throws {
        let lambda = try ScriptedModelServer { _, _ in .refuse(status: status ?? 500, body: "{}") }
        let environment = ["AWS_ENDPOINT_URL_LAMBDA": status == nil ? "http://127.0.0.1:1" : lambda.url]
        try await Deployment.run(environment: environment, answer: Self.calling("work", ms: 20)) { deployment in
            let first = try await deployment.invoke(Self.event)
            #expect(first.isError && first.answer["errorType"]?.string == "Function.WakeFailed")
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
            #expect(deployment.model.requests.count == 2)
            #expect(deployment.effects.map(\.tool) == ["begin", "end"])
        }
    }

    @Test func `a turn whose invocation of itself is not answered says so before the time-out`() async throws {
        let lambda = try ScriptedModelServer { _, _ in .hang }
        let environment = ["AWS_ENDPOINT_URL_LAMBDA": lambda.url]
        try await Deployment.run(
            environment: environment, configure: { $0.timeout = .seconds(4) }, answer: Self.calling("work", ms: 20)
        ) { deployment in
            let first = try await deployment.invoke(Self.event)
            #expect(first.isError && first.answer["errorType"]?.string == "Function.WakeFailed")
            #expect(lambda.requests.count == 1)
            #expect(try await deployment.invoke(Self.event).answer["reply"]?.string == "All done.")
        }
    }

    /// Runs a function whose scheduler refuses seven times to wake it, up to that.
    private func refusedWakes(
        answer: @escaping @Sendable (Int, JSONValue) -> ScriptedModelServer.Step,
        _ body: @Sendable (Deployment) async throws -> Void
    ) async throws {
        let scheduler = try ScriptedModelServer { number, _ in
            number < 7 ? .refuse(status: 403, body: "{}") : .whole(#"{"ScheduleArn":"arn"}"#)
        }
        let environment = ["AWS_ENDPOINT_URL_SCHEDULER": scheduler.url]
        try await Deployment.run(environment: environment, answer: answer) { deployment in
            for _ in 0..<7 {
                let refused = try await deployment.invoke(Self.event)
                #expect(refused.isError && refused.answer["errorType"]?.string == "Function.WakeFailed")
            }
            try await body(deployment)
        }
    }

    @Test func `a turn that cannot have itself woken keeps what it has, however often that fails`() async throws {
        try await refusedWakes(answer: Self.calling("nap", ms: 4000)) { deployment in
            // Either it can be told now when to wake the turn, or the time has come.
            let settled = try await deployment.settled(Self.event)
            #expect(settled["reply"]?.string == "All done.")
            #expect(deployment.effects.map(\.tool) == ["down", "up"])
            #expect(deployment.model.requests.count == 2)
        }
    }

    @Test func `an approval whose expiry cannot be scheduled costs no second answer of the model`() async throws {
        try await refusedWakes(answer: Self.calling("buy", ms: 60_000)) { deployment in
            let (asked, _) = try await deployment.invoke(Self.event)
            let call = try #require(asked["approvals"]?.array?.first?["call"])
            #expect(deployment.model.requests.count == 1)
            let decision: JSONValue = ["session": "s", "id": "2", "decisions": [["call": call, "approve": true]]]
            #expect(try await deployment.invoke(decision).answer["reply"]?.string == "All done.")
            #expect(deployment.effects.map(\.tool) == ["buy"])
        }
    }
}

/// What functions have logged.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    func count(of prefix: String) -> Int { lines.withLock { $0.filter { $0.hasPrefix(prefix) }.count } }
}
