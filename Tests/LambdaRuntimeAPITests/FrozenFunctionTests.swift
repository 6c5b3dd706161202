// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if os(Linux)
import CurlHTTP
import Foundation
import LambdaEmulator
import PerdureTesting
import Testing

/// What Lambda does to each idle sandbox: it stands still, for as long as it likes, and its connection may not live that
/// long.
@Suite(.timeLimit(.minutes(5))) struct FrozenFunctionTests {
    typealias Step = ScriptedRuntimeAPI.Step

    /// Echo, frozen at some request of a script.
    struct Scenario: Sendable {
        var name: String
        /// The steps; those of the request at which it freezes are told the freezer.
        var script: @Sendable (Freezer) -> [Step]
        var interruptions: @Sendable (Freezer) -> [Int: Step] = { _ in [:] }
        var requests: [String]
        var connections: [Int]
        var end = "containerError at next: status 500 ContainerError"

        static let ended = Step.refused(500, "ContainerError")
        static let taken = bytes("HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n")
        static let first = Step.invocation(id: "a", payload: bytes("1"))
        static let second = Step.invocation(id: "b", payload: bytes("2"))

        static func idle(_ name: String, _ step: Step) -> Scenario {
            Scenario(
                name: name,
                script: { [first, .accepted, .after($0.freeze, step), second, .accepted, ended] },
                requests: ["next", "a/response", "next", "next", "b/response", "next"],
                connections: [0, 0, 0, 1, 1, 1])
        }

        static func lost(_ name: String, _ step: Step) -> Scenario {
            Scenario(
                name: name, script: { [first, .after($0.freeze, step), .accepted] },
                requests: ["next", "a/response"], connections: [0, 0], end: "unreachable at response: ")
        }

        static let all = [
            idle("the service closes the connection of an idle sandbox", .raw([])),
            idle("the service resets the connection of an idle sandbox", .raw([], resets: true)),
            idle("the service closes it in the middle of an invocation", .raw(bytes("HTTP/1.1 200 OK\r\nLam"))),
            Scenario(
                name: "an invocation comes to a sandbox that stands still",
                script: { [first, .accepted, .after($0.freeze, second), .accepted, ended] },
                requests: ["next", "a/response", "next", "b/response", "next"], connections: [0, 0, 0, 0, 0]),
            Scenario(
                name: "an answer is taken, and its connection closed, while its sender stands still",
                script: { [first, .after($0.freeze, .raw(taken)), second, .accepted, ended] },
                requests: ["next", "a/response", "next", "b/response", "next"], connections: [0, 0, 1, 1, 1]),
            lost("the connection of an answer is closed without a word", .raw([])),
            lost("the connection of an answer is reset", .raw([], resets: true)),
            Scenario(
                name: "the connection of an answer of 6 MB is reset in its middle",
                script: { _ in [.invocation(id: "a", payload: [UInt8](repeating: 49, count: 6_291_556)), .accepted] },
                interruptions: { [1: .after($0.freeze, .raw([], resets: true))] },
                requests: ["next", "a/response"], connections: [0, 0], end: "unreachable at response: "),
        ]
    }

    /// All at the same time, as each takes half a minute.
    @Test func `a sandbox that stood still for half a minute goes on and answers nothing twice`() async throws {
        try await withThrowingTaskGroup { group in
            for scenario in Scenario.all { group.addTask { try await play(scenario) } }
            for freezes in [true, false] { group.addTask { try await playWithEmulator(freezes: freezes) } }
            try await group.waitForAll()
        }
    }

    private static let duration = Duration.seconds(30)

    private func play(_ scenario: Scenario) async throws {
        let freezer = Freezer()
        defer { freezer.thaw() }
        let api = try ScriptedRuntimeAPI(scenario.script(freezer), interruptions: scenario.interruptions(freezer))
        async let running = ChildProcess.run(
            "Echo", environment: ["AWS_LAMBDA_RUNTIME_API": api.endpoint], meanwhile: { freezer.started($0) })
        try await freezer.frozen()
        // Not a wait for something: how long it stands still is what is tested.
        try await Task.sleep(for: Self.duration, clock: .continuous)
        freezer.thaw()
        let child = try await running
        let requests = api.requests
        #expect(
            requests.map { $0.path.replacing("/2018-06-01/runtime/invocation/", with: "") } == scenario.requests,
            "\(scenario.name)")
        #expect(requests.map(\.connection) == scenario.connections, "\(scenario.name)")
        #expect(child.status == 1, "\(scenario.name)")
        #expect(child.records.count == 1, "\(scenario.name)")
        let record = child.records.first ?? ""
        #expect(record.hasPrefix("-\tFATAL\tthe runtime cannot go on: " + scenario.end), "\(scenario.name)")
    }

    /// Under the local Lambda, which stops it by itself, or does not: then it is stopped while it waits for `/next`.
    private func playWithEmulator(freezes: Bool) async throws {
        var function = FunctionConfiguration(
            name: "echo", bootstrap: try ChildProcess.url("Echo").path, timeout: .seconds(60))
        function.initTimeout = .seconds(60)
        function.freezesBetweenInvocations = freezes
        let emulator = LambdaEmulator(functions: [function]) { _ in }
        let url = "\(try await emulator.start())/2015-03-31/functions/echo/invocations"
        do {
            let client = HTTPClient()
            let first = try await client.send(HTTPRequest(method: .post, url: url, body: bytes("[1]")))
            #expect(first.body == bytes("[1]"))
            let processes = await emulator.sandboxProcessIDs
            let pid = try #require(processes.first)
            let freezer = Freezer()
            freezer.started(pid)
            // What waits in /next sleeps in poll.
            while !freezes, Freezer.state(of: pid) != "S" { await Task.yield() }
            if !freezes { freezer.freeze() }
            while Freezer.state(of: pid) != "T" { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: Self.duration, clock: .continuous)
            #expect(Freezer.state(of: pid) == "T")
            if !freezes { freezer.thaw() }
            for event in ["[2]", "[3]"] {
                let answer = try await client.send(HTTPRequest(method: .post, url: url, body: bytes(event)))
                #expect(answer.body == bytes(event))
            }
            #expect(await emulator.sandboxProcessIDs == processes)
        } catch {
            Issue.record(error)
        }
        await emulator.shutdown()
    }
}
#endif
