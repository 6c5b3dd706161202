// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import PerdureTesting
import Testing

/// What happens around the invocations: the signal at the end, several at once, the snapshot, the work afterwards.
@Suite(.timeLimit(.minutes(2))) struct LifecycleTests {
    /// A service that takes an extension.
    @Sendable static func extensions(_ request: ScriptedRuntimeAPI.Request) -> ScriptedRuntimeAPI.Step {
        guard request.path.hasSuffix("/register") else { return .hang }
        return .answer(status: 200, headers: [("Lambda-Extension-Identifier", "ext-1")], body: bytes("{}"))
    }

    func run(
        _ name: String,
        _ api: ScriptedRuntimeAPI,
        _ more: [String: String] = [:],
        terminatedAt number: Int? = nil
    ) async throws -> ChildProcess {
        let environment = ["AWS_LAMBDA_RUNTIME_API": api.endpoint].merging(more) { $1 }
        return try await ChildProcess.run(name, environment: environment) { process in
            guard let number else { return }
            while api.requests.count < number { try await Task.sleep(for: .milliseconds(1)) }
            // The invocation has to reach its handler, too.
            try await Task.sleep(for: .milliseconds(100))
            kill(process, SIGTERM)
        }
    }

    @Test func `an extension is registered before the first invocation, and waits apart`()
        async throws
    {
        let api = try ScriptedRuntimeAPI([.hang], extensions: Self.extensions)
        let child = try await run("Echo", api, terminatedAt: 1)
        #expect(child.status == 0)
        #expect(child.records == [])
        #expect(api.requests.map(\.path) == ["/2018-06-01/runtime/invocation/next"])
        try #require(api.extensionRequests.count == 2)
        let (register, wait) = (api.extensionRequests[0], api.extensionRequests[1])
        #expect(try register.bytes(at: api.endpoint) == golden("register"))
        #expect(try wait.bytes(at: api.endpoint) == golden("event-next"))
        #expect(register.connection == api.requests[0].connection)
        #expect(wait.connection != register.connection)
    }

    @Test(arguments: [404, 403, 500])
    func `where extensions are refused, the function serves as without`(status: Int) async throws {
        let api = try ScriptedRuntimeAPI(
            [.invocation(payload: bytes("a")), .accepted, .hang],
            extensions: { _ in .answer(status: status) })
        let child = try await run("Echo", api, terminatedAt: 3)
        #expect(child.status == 0)
        #expect(api.requests[1].body == bytes("a"))
        #expect(api.extensionRequests.count == 1)
    }

    @Test(arguments: [[:], ["STREAM": "1"]])
    func `SIGTERM cancels the handler, whose answer is the last`(environment: [String: String]) async throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: bytes("wait")), .accepted])
        let start = ContinuousClock.now
        let child = try await run("ScriptedFunction", api, environment, terminatedAt: 1)
        #expect(start.duration(to: .now) < .seconds(60))
        #expect(child.status == 0)
        #expect(api.requests.map { $0.path.split(separator: "/").last } == ["next", "error"])
        #expect(try api.requests.last?.string("errorType") == "Function.CancellationError")
    }

    @Test func `a handler that does not end does not keep the process`() async throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: bytes("block"))])
        let child = try await run("ScriptedFunction", api, terminatedAt: 1)
        #expect(child.status == 0)
        #expect(api.requests.count == 1)
    }

    @Test func `as many invocations run at once as the service says`() async throws {
        let api = try ScriptedRuntimeAPI { number, request in
            switch (number, request.method) {
            case (..<3, _):
                .invocation(
                    id: "i\(number)", headers: [("Lambda-Runtime-Trace-Id", "Root=1")], payload: bytes("three"))
            case (_, "POST"): .accepted
            default: .hang
            }
        }
        let child = try await run(
            "ScriptedFunction", api, ["AWS_LAMBDA_MAX_CONCURRENCY": "3", "_X_AMZN_TRACE_ID": "of the start"],
            terminatedAt: 9)
        #expect(child.status == 0)
        // A handler ends only when all three run.
        let answers = api.requests.filter { $0.method == "POST" }
        #expect(Set(answers.map { $0.path.split(separator: "/").dropLast().last }) == ["i0", "i1", "i2"])
        #expect(Set(answers.map(\.connection)).count == 3)
        // A variable of the process says nothing of one invocation among several.
        #expect(answers.map { text($0.body) } == Array(repeating: "of the start", count: 3))
    }

    @Test(arguments: ["0", "-2", "many"])
    func `a number of invocations that makes no sense is one`(number: String) async throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted, .refused(500, "ContainerError")])
        let child = try await run("ScriptedFunction", api, ["AWS_LAMBDA_MAX_CONCURRENCY": number])
        #expect(child.status == 1)
        #expect(api.requests.count == 3)
    }

    static let snapshot = ["AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"]

    func calls(_ api: ScriptedRuntimeAPI) -> [String] {
        api.requests.map { $0.path.replacing("/2018-06-01/runtime/", with: "") }
    }

    @Test func `hooks run around the snapshot`() async throws {
        let api = try ScriptedRuntimeAPI([.answer(status: 200), .refused(500, "ContainerError")])
        let child = try await run("ScriptedFunction", api, Self.snapshot)
        #expect(calls(api) == ["restore/next", "invocation/next"])
        #expect(
            child.records.dropLast() == [
                "-\tINFO\tclosed first", "-\tINFO\tclosed last", "-\tINFO\topened first", "-\tINFO\topened last",
            ])
    }

    @Test func `without a snapshot no hook runs`() async throws {
        let api = try ScriptedRuntimeAPI([.refused(500, "ContainerError")])
        let child = try await run("ScriptedFunction", api, ["AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"])
        #expect(calls(api) == ["invocation/next"])
        #expect(child.records.count == 1)
    }

    @Test func `a hook that fails before the snapshot is an init error`() async throws {
        let api = try ScriptedRuntimeAPI([.accepted])
        let child = try await run(
            "ScriptedFunction", api, Self.snapshot.merging(["FAIL_BEFORE_SNAPSHOT": "busy"]) { $1 })
        #expect(child.status == 1)
        #expect(calls(api) == ["init/error"])
        #expect(try api.requests[0].string("errorType") == "Runtime.BeforeSnapshotError")
        #expect(try api.requests[0].string("errorMessage") == "Function.CannotClose: busy")
    }

    @Test func `a hook that fails after the snapshot is a restore error`() async throws {
        let api = try ScriptedRuntimeAPI([.answer(status: 200), .accepted])
        let child = try await run(
            "ScriptedFunction", api, Self.snapshot.merging(["FAIL_AFTER_RESTORE": "gone"]) { $1 })
        #expect(child.status == 1)
        #expect(calls(api) == ["restore/next", "restore/error"])
        #expect(try api.requests[1].string("errorType") == "Runtime.AfterRestoreError")
        #expect(
            child.records.last?.hasSuffix("after the snapshot: Runtime.AfterRestoreError: Function.CannotOpen: gone")
                == true)
    }

    @Test func `work is done after the response and before the next invocation`() async throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "a", payload: bytes("later")), .accepted, .refused(500, "ContainerError"),
        ])
        let child = try await run("ScriptedFunction", api)
        #expect(api.requests.count == 3)
        #expect(child.records.dropLast() == ["a\tINFO\tfirst", "a\tINFO\tsecond", "a\tINFO\tthird"])
    }
}
