// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct AnswerTests {
    nonisolated static let refusals: [(Int, String)] = [
        (400, "InvalidRequestID"), (403, "InvalidStateTransition"), (410, "InvokeTimeout"),
        (413, "RequestEntityTooLarge"),
    ]

    @Test(arguments: refusals)
    func `an answer that is refused is told and the next invocation is served`(status: Int, type: String) throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(payload: []), .refused(status, type), .invocation(id: "id-2", payload: []), .accepted,
        ])
        let client = try client(of: api)
        let refused = try client.next().respond([])
        #expect(refused == .refused(status: status, errorType: type))
        let accepted = try client.next().respond([])
        #expect(accepted == .accepted)
        #expect(api.requests.count == 4)
    }

    @Test(arguments: refusals)
    func `an error that is refused is told`(status: Int, type: String) throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .refused(status, type)])
        let receipt = try client(of: api).next().fail(InvocationError(type: "Function.X", message: "x"))
        #expect(receipt == .refused(status: status, errorType: type))
        #expect(api.requests.count == 2)
    }

    @Test(arguments: [(500, .containerError), (404, .badAnswer), (200, .badAnswer)] as [(Int, RuntimeError.Code)])
    func `an answer to which the service says anything else ends the sandbox`(
        status: Int,
        code: RuntimeError.Code
    ) throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .refused(status, "Runtime.Unknown")])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { try client.next().respond([]) }
        #expect(error?.code == code)
        #expect(error?.call == "response")
        #expect(api.requests.count == 2)
    }

    @Test func `a response mode that the service does not know ends the sandbox`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .refused(400, "InvalidFunctionResponseMode")])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { try client.next().respond([]) }
        #expect(error?.code == .badAnswer)
        #expect(api.requests.count == 2)
    }

    @Test(arguments: ["", "<html>", "[]", #"{"errorType":7}"#])
    func `a refusal whose body is no error is still a refusal`(body: String) throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .answer(status: 410, body: bytes(body))])
        let receipt = try client(of: api).next().respond([])
        #expect(receipt == .refused(status: 410, errorType: ""))
    }

    @Test func `an init error that is refused ends the sandbox`() throws {
        let api = try ScriptedRuntimeAPI([.refused(403, "InvalidStateTransition")])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) {
            try client.reportInitError(InvocationError(type: "Function.X", message: "x"))
        }
        #expect(error?.code == .stateViolation)
    }

    @Test func `an invocation that is dropped is answered with an error`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted])
        _ = try client(of: api).next()
        #expect(api.requests.map(\.method) == ["GET", "POST"])
        #expect(api.requests[1].path == "/2018-06-01/runtime/invocation/id-1/error")
        #expect(api.requests[1]["Lambda-Runtime-Function-Error-Type"] == "Runtime.NoAnswer")
        #expect(try api.requests[1].string("errorType") == "Runtime.NoAnswer")
    }

    @Test func `an invocation that is answered is answered once`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted, .invocation(payload: []), .accepted])
        let client = try client(of: api)
        do { try client.next().respond([]) }
        do { try client.next().fail(InvocationError(type: "Function.X", message: "x")) }
        #expect(
            api.requests.map { String($0.path.split(separator: "/").last ?? "") } == [
                "next", "response", "next", "error",
            ])
    }
}
