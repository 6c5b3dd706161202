// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct RequestBytesTests {
    @Test func `next and response are the bytes of the golden files`() throws {
        let invocation = ScriptedRuntimeAPI.Step.invocation(
            id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            headers: [("Lambda-Runtime-Invocation-Id", "a nonce/of=this;attempt")],
            payload: bytes("{}")
        )
        let api = try ScriptedRuntimeAPI([invocation, .accepted])
        let receipt = try client(of: api).next().respond(bytes(#"{"answer":42}"#))
        #expect(receipt == .accepted)
        #expect(try api.requests.map { $0.bytes(at: api.endpoint) } == [golden("next"), golden("response")])
        #expect(api.requests.map(\.connection) == [0, 0])
    }

    @Test func `an error is the bytes of the golden file`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted])
        let error = InvocationError(
            type: "Function.NoSuchOrder", message: "order 7 is unknown", stackTrace: ["a", "b"])
        let receipt = try client(of: api).next().fail(error)
        #expect(receipt == .accepted)
        #expect(try api.requests.last?.bytes(at: api.endpoint) == golden("error"))
    }

    @Test func `an init error is the bytes of the golden file`() throws {
        let api = try ScriptedRuntimeAPI([.accepted])
        try client(of: api).reportInitError(InvocationError(type: "Runtime.BadStart", message: "no root"))
        #expect(try api.requests.map { $0.bytes(at: api.endpoint) } == [golden("init-error")])
    }

    @Test func `an endpoint keeps its path prefix`() throws {
        let api = try ScriptedRuntimeAPI([.accepted])
        let client = try RuntimeClient(RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint + "/fn/one"]))
        try client.reportInitError(InvocationError(type: "Runtime.BadStart", message: ""))
        #expect(api.requests.map(\.path) == ["/fn/one/2018-06-01/runtime/init/error"])
    }

    @Test(arguments: [
        ("8476a536-e9f4-11e8-9739-2dfe598c3fcd", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("a.b_c~d", "a.b_c~d"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("50% \"of\" é", "50%25%20%22of%22%20%C3%A9"),
        ("x:y@z;k=v&l+m", "x%3Ay%40z%3Bk%3Dv%26l%2Bm"), ("tab\tin", "tab%09in"),
    ])
    func `a request id is percent-encoded in the path`(id: String, encoded: String) throws {
        let api = try ScriptedRuntimeAPI([.invocation(id: id, payload: []), .accepted])
        let invocation = try client(of: api).next()
        let seen = invocation.context.requestID
        #expect(seen == id)
        try invocation.respond([])
        #expect(api.requests.last?.path == "/2018-06-01/runtime/invocation/\(encoded)/response")
    }

    @Test(arguments: [("n-1", "n-1"), ("", ""), (nil, nil)] as [(String?, String?)])
    func `the invocation id is echoed just as it was given`(given: String?, echoed: String?) throws {
        let headers: [Header] = given.map { [("lambda-runtime-invocation-id", $0)] } ?? []
        let invocation = ScriptedRuntimeAPI.Step.invocation(headers: headers, payload: [])
        let api = try ScriptedRuntimeAPI([invocation, .accepted, invocation, .accepted])
        let client = try client(of: api)
        try client.next().respond([])
        try client.next().fail(InvocationError(type: "Function.X", message: ""))
        #expect(api.requests[1]["Lambda-Runtime-Invocation-Id"] == echoed)
        #expect(api.requests[3]["Lambda-Runtime-Invocation-Id"] == echoed)
    }

    @Test func `the content type of a response is the caller's`() throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted])
        try client(of: api).next().respond([0, 255, 13, 10], contentType: "application/octet-stream")
        #expect(api.requests.last?["Content-Type"] == "application/octet-stream")
        #expect(api.requests.last?.body == [0, 255, 13, 10])
    }
}
