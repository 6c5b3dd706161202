// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import PerdureTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct EndToEndTests {
    func run(_ name: String, _ api: ScriptedRuntimeAPI, _ more: [String: String] = [:]) async throws -> ChildProcess {
        // A proxy that nobody runs: the Runtime API is never reached through one.
        let environment = ["AWS_LAMBDA_RUNTIME_API": api.endpoint, "http_proxy": "http://127.0.0.1:1"]
        return try await ChildProcess.run(name, environment: environment.merging(more) { $1 })
    }

    @Test func `invocations are answered in turn until the service says that the sandbox is broken`() async throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "a", payload: bytes(#"{"n":1}"#)), .accepted,
            .invocation(id: "b", payload: []), .refused(413, "RequestEntityTooLarge"),
            .invocation(id: "c", payload: Array(0...255)), .accepted,
            .refused(500, "ContainerError"),
        ])
        let child = try await run("Echo", api)
        #expect(child.status == 1)
        #expect(
            api.requests.map { $0.path.replacing("/2018-06-01/runtime/invocation/", with: "") } == [
                "next", "a/response", "next", "b/response", "next", "c/response", "next",
            ])
        #expect(api.requests[1].body == bytes(#"{"n":1}"#))
        #expect(api.requests[3].body == [])
        #expect(api.requests[5].body == Array(0...255))
        #expect(api.requests.allSatisfy { $0.connection == 0 })
        #expect(
            child.records == [
                "b\tERROR\tthe answer was refused: 413 RequestEntityTooLarge",
                "-\tFATAL\tthe runtime cannot go on: containerError at next: status 500 ContainerError",
            ])
    }

    @Test func `the process ends when the service says 500 to an answer`() async throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .refused(500, "ContainerError")])
        let child = try await run("Echo", api)
        #expect(child.status == 1)
        #expect(
            child.records == [
                "-\tFATAL\tthe runtime cannot go on: containerError at response: status 500 ContainerError"
            ])
        #expect(api.requests.count == 2)
    }

    @Test(
        arguments: [
            [.goAway], [.invocation(payload: []), .goAway], [.invocation(payload: []), .accepted, .goAway],
        ] as [[ScriptedRuntimeAPI.Step]])
    func `the process ends when the service goes away`(script: [ScriptedRuntimeAPI.Step]) async throws {
        let api = try ScriptedRuntimeAPI(script)
        let child = try await run("Echo", api)
        #expect(child.status == 1)
        #expect(child.records.count == 1)
        #expect(child.records.first?.hasPrefix("-\tFATAL\tthe runtime cannot go on: unreachable at ") == true)
        #expect(api.requests.count == script.count)
    }

    @Test func `a missing endpoint is one clear line and status 1`() async throws {
        let child = try await ChildProcess.run("Echo", environment: [:])
        #expect(child.status == 1)
        #expect(child.records.count == 1)
        #expect(child.records.first?.contains("noEndpoint at start: AWS_LAMBDA_RUNTIME_API is") == true)
    }

    @Test func `a start that fails is reported as an init error`() async throws {
        let api = try ScriptedRuntimeAPI([.accepted])
        let child = try await run("ScriptedFunction", api, ["FAIL_START": "no\nfolder"])
        #expect(child.status == 1)
        #expect(child.records == ["-\tFATAL\tthe function cannot start: Function.CannotStart: no\rfolder"])
        #expect(api.requests.map(\.path) == ["/2018-06-01/runtime/init/error"])
        #expect(api.requests[0]["Lambda-Runtime-Function-Error-Type"] == "Function.CannotStart")
        #expect(try api.requests[0].string("errorMessage") == "no\nfolder")
    }

    @Test func `what a handler throws is the invocation's error and the next one is served`() async throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "a", payload: bytes("throw")), .accepted,
            .invocation(id: "b", headers: [("Lambda-Runtime-Trace-Id", "Root=1-2-3")], payload: []), .accepted,
            .invocation(id: "c", payload: []), .accepted, .refused(500, "ContainerError"),
        ])
        let child = try await run("ScriptedFunction", api, ["_X_AMZN_TRACE_ID": "of the start"])
        #expect(child.status == 1)
        #expect(api.requests[1].path.hasSuffix("/a/error"))
        #expect(api.requests[1]["X-Smuggled"] == nil)
        #expect(try api.requests[1].string("errorMessage") == "it was told to")
        #expect(text(api.requests[3].body) == "Root=1-2-3")
        #expect(text(api.requests[5].body) == "no trace")
    }

    @Test func `the trace of each invocation takes the place of the one before`() async throws {
        let traces = ["Root=1", String(repeating: "a", count: 3000), "Root=2", nil, "Root=33"]
        var steps: [ScriptedRuntimeAPI.Step] = []
        for trace in traces {
            let headers = trace.map { [("Lambda-Runtime-Trace-Id", $0)] } ?? []
            steps += [.invocation(id: "a", headers: headers, payload: []), .accepted]
        }
        let api = try ScriptedRuntimeAPI(steps + [.refused(500, "ContainerError")])
        _ = try await run("ScriptedFunction", api, [:])
        let answers = api.requests.filter { $0.path.hasSuffix("/response") }.map { text($0.body) }
        #expect(answers == traces.map { $0 ?? "no trace" })
    }

    @Test func `the handler's records name their invocation, in the format of the environment`() async throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "a", payload: bytes("log")), .accepted,
            .invocation(id: "b", headers: [("Lambda-Runtime-Aws-Tenant-Id", "t")], payload: bytes("log")), .accepted,
            .refused(500, "ContainerError"),
        ])
        let child = try await run("ScriptedFunction", api, ["AWS_LAMBDA_LOG_FORMAT": "JSON"])
        let lines = child.standardError.split(separator: "\n").map { $0.drop { $0 != "," } }
        #expect(
            lines == [
                #","level":"INFO","requestId":"a","message":"as told"}"#,
                #","level":"INFO","requestId":"b","tenantId":"t","message":"as told"}"#,
                #","level":"FATAL","message":"the runtime cannot go on: containerError at next: status 500 "#
                    + #"ContainerError"}"#,
            ])
    }

    @Test func `streamed responses end when the handler returns or throws`() async throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "a", payload: bytes("one two")), .accepted,
            .invocation(id: "b", payload: bytes("one throw")), .accepted,
            .invocation(id: "c", payload: bytes("throw")), .accepted, .refused(500, "ContainerError"),
        ])
        let child = try await run("ScriptedFunction", api, ["STREAM": "1"])
        try #require(child.status == 1)
        try #require(api.requests.count == 7)
        #expect(text(api.requests[1].body) == "onetwo")
        #expect(api.requests[1]["Content-Type"] == "application/octet-stream")
        #expect(text(api.requests[3].body) == "one")
        #expect(text(api.requests[3].framedBody).contains("Lambda-Runtime-Function-Error-Type: Function.AsTold\r\n"))
        #expect(api.requests[5].path.hasSuffix("/c/error"))
        #expect(child.standardError.split(separator: "\n").count == 1)
    }

    @Test func `a handler is cancelled when nobody takes its response`() async throws {
        let api = try ScriptedRuntimeAPI(
            [.invocation(id: "a", payload: bytes("one wait")), .accepted, .refused(500, "ContainerError")],
            interruptions: [1: .refused(410, "InvokeTimeout")])
        let child = try await run("ScriptedFunction", api, ["STREAM": "1"])
        #expect(child.records.contains { $0.hasPrefix("a\tERROR\tfailed after the end of its response: ") })
        #expect(child.records.contains("a\tERROR\tthe answer was refused: 410 InvokeTimeout"))
        #expect(api.requests.count == 3)
    }
}

extension ChildProcess {
    /// The lines of its log, without their timestamps.
    var records: [Substring] {
        standardError.split(separator: "\n").map { $0.drop { $0 != "\t" }.dropFirst() }
    }
}
