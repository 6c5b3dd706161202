// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct NextTests {
    enum Spelling: CaseIterable, Sendable {
        case usual, upper, lower

        func of(_ name: String) -> String {
            switch self {
            case .usual: name
            case .upper: name.uppercased()
            case .lower: name.lowercased()
            }
        }
    }

    @Test(arguments: Spelling.allCases)
    func `all headers arrive, whatever the case of their names`(spelling: Spelling) throws {
        let headers: [Header] = [
            ("Lambda-Runtime-Aws-Request-Id", "id-7"), ("Lambda-Runtime-Deadline-Ms", "1700000000000"),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:1:function:f:live"),
            ("Lambda-Runtime-Trace-Id", "Root=1-5bef;Parent=9a9;Sampled=1"),
            ("Lambda-Runtime-Client-Context", #"{"custom":{"é":"ü"}}"#),
            ("Lambda-Runtime-Cognito-Identity", #"{"cognitoIdentityId":"i"}"#),
            ("Lambda-Runtime-Aws-Tenant-Id", "tenant"),
        ]
        let spelledHeaders = headers.map { (name: spelling.of($0.name), value: $0.value) }
        let api = try ScriptedRuntimeAPI([
            .answer(status: 200, headers: spelledHeaders, body: bytes("{}")), .accepted,
        ])
        let invocation = try client(of: api).next()
        let context = invocation.context
        try invocation.respond([])
        #expect(context.requestID == "id-7")
        #expect(context.deadline.millisecondsSinceEpoch == 1_700_000_000_000)
        #expect(context.deadline.remaining == .zero)
        #expect(context.invokedFunctionARN == "arn:aws:lambda:eu-central-1:1:function:f:live")
        #expect(context.traceID == "Root=1-5bef;Parent=9a9;Sampled=1")
        #expect(context.clientContext?.custom["é"]?.string == "ü")
        #expect(context.cognitoIdentity?.identityID == "i")
        #expect(context.cognitoIdentity?.identityPoolID == nil)
        #expect(context.tenantID == "tenant")
    }

    @Test func `a missing header and an empty one are different`() throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(payload: []), .accepted,
            .invocation(
                headers: [("Lambda-Runtime-Aws-Tenant-Id", ""), ("Lambda-Runtime-Trace-Id", " ")], payload: []),
            .accepted,
        ])
        let client = try client(of: api)
        let first = try client.next()
        let missing = first.context
        try first.respond([])
        let second = try client.next()
        let empty = second.context
        try second.respond([])
        #expect(missing.tenantID == nil)
        #expect(missing.traceID == nil)
        #expect(missing.invokedFunctionARN == nil)
        #expect(empty.tenantID == "")
        #expect(empty.traceID == "")
    }

    @Test(arguments: ["soon", "", "-5", "+5", "9223372036854775808", "1e3", "0x10", "12 34", "٣", nil] as [String?])
    func `a deadline that is no number of milliseconds is answered with an error`(deadline: String?) throws {
        var headers: [Header] = [("Lambda-Runtime-Aws-Request-Id", "bad"), ("Lambda-Runtime-Invocation-Id", "n")]
        if let deadline { headers.append(("Lambda-Runtime-Deadline-Ms", deadline)) }
        let api = try ScriptedRuntimeAPI([
            .answer(status: 200, headers: headers, body: bytes("{}")), .accepted,
            .invocation(id: "good", payload: []), .accepted,
        ])
        let invocation = try client(of: api).next()
        let id = invocation.context.requestID
        try invocation.respond([])
        #expect(id == "good")
        #expect(api.requests[1].path == "/2018-06-01/runtime/invocation/bad/error")
        #expect(api.requests[1]["Lambda-Runtime-Function-Error-Type"] == "Runtime.InvalidDeadline")
        #expect(api.requests[1]["Lambda-Runtime-Invocation-Id"] == "n")
    }

    @Test(arguments: [
        ("Lambda-Runtime-Client-Context", "{"), ("Lambda-Runtime-Client-Context", "[]"),
        ("Lambda-Runtime-Cognito-Identity", "x"),
    ])
    func `a context that is no JSON object is answered with an error`(header: Header) throws {
        let api = try ScriptedRuntimeAPI([
            .invocation(id: "bad", headers: [header], payload: []), .accepted,
            .invocation(id: "good", headers: [("Lambda-Runtime-Client-Context", "")], payload: []), .accepted,
        ])
        let invocation = try client(of: api).next()
        let context = invocation.context
        try invocation.respond([])
        #expect(context.requestID == "good")
        #expect(context.clientContext == nil)
        #expect(api.requests[1]["Lambda-Runtime-Function-Error-Type"] == "Runtime.UnmarshalError")
    }

    @Test func `a client context has names for what the mobile SDK says`() throws {
        let text =
            #"{"client":{"installation_id":"i","app_title":"t","app_version_name":"1.2","app_version_code":"12","#
            + #""app_package_name":"p"},"custom":{"k":[1]},"env":{"locale":"de"}}"#
        let context = try #require(ClientContext(parsing: text))
        let client = try #require(context.client)
        #expect([client.installationID, client.appTitle, client.appVersionName] == ["i", "t", "1.2"])
        #expect([client.appVersionCode, client.appPackageName] == ["12", "p"])
        #expect(context.custom["k"]?[0]?.int == 1)
        #expect(context.environment["locale"]?.string == "de")
        let empty = try #require(ClientContext(parsing: "{}"))
        #expect(empty.client == nil && empty.custom.count == 0)
        #expect(CognitoIdentity(parsing: #"{"cognitoIdentityPoolId":"p"}"#)?.identityPoolID == "p")
    }

    @Test func `a deadline far away is bounded and kept as it was said`() throws {
        let far = Deadline(millisecondsSinceEpoch: .max)
        #expect(far.millisecondsSinceEpoch == .max)
        #expect(far.remaining > .seconds(86_000))
        #expect(far.remaining <= .seconds(86_400))
        #expect(Deadline(millisecondsSinceEpoch: .min).remaining == .zero)
        #expect(Deadline(millisecondsSinceEpoch: 0).remaining == .zero)
    }

    @Test(arguments: [[("Lambda-Runtime-Deadline-Ms", "1")], [("Lambda-Runtime-Aws-Request-Id", "")]] as [[Header]])
    func `an invocation without a request id ends the sandbox`(headers: [Header]) throws {
        let api = try ScriptedRuntimeAPI([.answer(status: 200, headers: headers, body: bytes("{}"))])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { _ = try client.next() }
        #expect(error?.code == .badAnswer)
        #expect(api.requests.count == 1)
    }

    struct Refusal: Sendable {
        var status: Int
        var code: RuntimeError.Code
    }

    @Test(arguments: [
        Refusal(status: 403, code: .stateViolation), Refusal(status: 500, code: .containerError),
        Refusal(status: 404, code: .badAnswer), Refusal(status: 301, code: .badAnswer),
        Refusal(status: 204, code: .badAnswer),
    ])
    func `any other status than 200 ends the sandbox at once`(refusal: Refusal) throws {
        let api = try ScriptedRuntimeAPI([.refused(refusal.status, "InvalidStateTransition")])
        let client = try client(of: api)
        let error = #expect(throws: RuntimeError.self) { _ = try client.next() }
        #expect(error?.code == refusal.code)
        #expect(error?.call == "next")
        #expect(api.requests.count == 1)
    }

    struct Payload: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
    }

    @Test(arguments: [
        Payload(testDescription: "empty", bytes: []),
        Payload(testDescription: "binary", bytes: Array(0...255)),
        Payload(testDescription: "6 MB", bytes: [UInt8](repeating: 0xC3, count: 6_291_556)),
    ])
    func `a payload comes and goes as it is`(payload: Payload) throws {
        let api = try ScriptedRuntimeAPI([.invocation(payload: payload.bytes), .accepted])
        let invocation = try client(of: api).next()
        let received = invocation.payload
        try invocation.respond(received)
        #expect(received == payload.bytes)
        #expect(api.requests.last?.body == payload.bytes)
        #expect(api.requests.last?["Content-Length"] == String(payload.bytes.count))
    }

    @Test func `a chunked payload is put together`() throws {
        let head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: c\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
        let answer =
            head
            + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3;x=y\r\na\":\r\n2\r\n1}\r\n0\r\nA: b\r\n\r\n"
        let api = try ScriptedRuntimeAPI([.raw(bytes(answer)), .accepted])
        let invocation = try client(of: api).next()
        let payload = invocation.payload
        try invocation.respond([])
        #expect(text(payload) == #"{"a":1}"#)
    }
}
