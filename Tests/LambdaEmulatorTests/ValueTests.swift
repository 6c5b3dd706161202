// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LambdaEmulator

struct FunctionNameTests {
    @Test(arguments: [
        ("echo", "echo", nil), ("echo:live", "echo", "live"), ("echo:$LATEST", "echo", "$LATEST"),
        ("123456789012:function:echo", "echo", nil), ("123456789012:function:echo:7", "echo", "7"),
        ("arn:aws:lambda:eu-north-1:123456789012:function:echo", "echo", nil),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:echo:live", "echo", "live"),
    ])
    func `every form of a name is read`(text: String, name: String, qualifier: String?) throws {
        let parsed = try #require(FunctionName(text))
        #expect(parsed.name == name)
        #expect(parsed.qualifier == qualifier)
    }

    @Test(arguments: [
        "", ":", "a b", "echo:", ":live", "echo:a b", "a:b:c", "arn:aws:s3:::bucket", "arn:aws:lambda:r:1:layer:echo",
        "arn:aws:lambda:r:1:function", "1:function:echo:live:more", "../echo", String(repeating: "a", count: 65),
    ])
    func `other texts are no names`(_ text: String) {
        #expect(FunctionName(text) == nil)
    }

    @Test func `the invoked ARN carries the qualifier`() {
        #expect(
            FunctionName("echo:live")?.arn(region: "eu-north-1")
                == "arn:aws:lambda:eu-north-1:000000000000:function:echo:live")
    }
}

struct ReportLineTests {
    @Test func `a report is tab-separated and bills the init`() {
        let line = ReportLine(
            requestID: "id", duration: .microseconds(1234), memorySize: 128, maxMemoryUsed: 30,
            initDuration: .microseconds(12_300), status: nil)
        #expect(
            "\(line)"
                == "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 14 ms\tMemory Size: 128 MB\t"
                + "Max Memory Used: 30 MB\tInit Duration: 12.30 ms")
    }

    @Test func `a report tells a time-out and an error`() {
        var line = ReportLine(requestID: "id", duration: .seconds(3), memorySize: 128, status: .timeout)
        #expect(
            "\(line)".hasSuffix("Duration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tStatus: timeout"))
        line.status = .error(type: "Runtime.ExitError")
        #expect("\(line)".hasSuffix("Status: error\tError Type: Runtime.ExitError"))
    }

    @Test(
        arguments: [
            (0, "exit status 0"), (3 << 8, "exit status 3"), (9, "signal: killed"),
            (11 | 0x80, "signal: segmentation fault (core dumped)"),
        ] as [(Int32, String)])
    func `a wait status is named as Lambda does`(status: Int32, text: String) {
        #expect("\(ExitStatus(waitStatus: status))" == text)
    }
}

struct EmulatorJSONTests {
    @Test func `text is escaped`() throws {
        let text = "\"\\\n\u{1}\u{7f}é\u{1F600}"
        let bytes = Data(EmulatorJSON.object(["a": text, "b": ""]).readableBytesView)
        #expect(try JSONDecoder().decode([String: String].self, from: bytes) == ["a": text, "b": ""])
        #expect(bytes.starts(with: Data(#"{"a":"\"\\\n\u0001"#.utf8)))
    }

    @Test(arguments: [("{}", true), ("1", true), ("\"a\"", true), ("null", true), ("{", false), ("nope", false)])
    func `any JSON text is a payload`(text: String, isJSON: Bool) {
        #expect((EmulatorJSON.problem(in: ByteBuffer(string: text)) == nil) == isJSON)
    }

    @Test func `a client context fits into a header`() throws {
        let base64 = Data("{\n  \"custom\": {\"a\": \"é\"}\r\n}".utf8).base64EncodedString()
        #expect(EmulatorJSON.headerObject(base64: base64) == #"{"custom":{"a":"é"}}"#)
        #expect(EmulatorJSON.headerObject(base64: Data("[]".utf8).base64EncodedString()) == nil)
        #expect(EmulatorJSON.headerObject(base64: "%") == nil)
    }
}

struct RuntimeAPITests {
    @Test(
        arguments: [
            (HTTPMethod.GET, "/2018-06-01/runtime/invocation/next", RuntimeAPI.Route.next),
            (.POST, "/2018-06-01/runtime/init/error", .initError),
            (.POST, "/2018-06-01/runtime/invocation/a%2Fb%20c/response", .response(requestID: "a/b c")),
            (.POST, "/2018-06-01/runtime/invocation/next/error", .error(requestID: "next")),
            (.GET, "/2018-06-01/runtime/restore/next", .restoreNext),
            (.POST, "/2018-06-01/runtime/restore/error", .restoreError),
            (.POST, "/2020-01-01/extension/register", .registerExtension),
            (.GET, "/2020-01-01/extension/event/next", .nextEvent),
            (.GET, "/2018-06-01/ping", .ping),
            (.PUT, "/2022-07-01/telemetry", .unsupported(name: "Telemetry")),
        ] as [(HTTPMethod, String, RuntimeAPI.Route)])
    func `paths lead to routes`(method: HTTPMethod, uri: String, route: RuntimeAPI.Route) throws {
        #expect(try RuntimeAPI.Route(request(method, uri)) == route)
    }

    @Test(
        arguments: [
            (HTTPMethod.POST, "/2018-06-01/runtime/invocation/next", RuntimeAPIError.wrongMethod),
            (.PUT, "/2018-06-01/runtime/invocation/a/response", .wrongMethod),
            (.POST, "/2020-01-01/extension/event/next", .wrongMethod),
            (.GET, "/2018-06-01/runtime", .notFound),
            (.GET, "/2018-06-01/runtime/invocation%2Fnext", .notFound),
            (.POST, "/2018-06-01/runtime/invocation/a/answer", .notFound),
            (.POST, "/2018-06-01/runtime/invocation/%ff/response", .notFound),
        ] as [(HTTPMethod, String, RuntimeAPIError)])
    func `other paths and methods are refused`(method: HTTPMethod, uri: String, refusal: RuntimeAPIError) {
        #expect(throws: refusal) { try RuntimeAPI.Route(request(method, uri)) }
    }

    private func request(_ method: HTTPMethod, _ uri: String) -> HTTPRequest {
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: uri)
        return HTTPRequest(head: head, body: ByteBuffer(), isTooLarge: false)
    }

    @Test(arguments: [
        ("Runtime.MarshalError", "Runtime.MarshalError"), ("Function.Broken", "Function.Broken"),
        ("Unhandled", "Function.Unknown"), ("Runtime.lower", "Function.Unknown"), (nil, "Function.Unknown"),
    ])
    func `error types outside the pattern are unknown`(header: String?, type: String) {
        #expect(RuntimeAPI.errorType(header, inInit: false) == type)
    }
}

struct FunctionConfigurationTests {
    @Test(
        arguments: [
            { $0.name = "a b" }, { $0.bootstrap = "" }, { $0.timeout = .zero }, { $0.timeout = .seconds(Int64.max) },
            { $0.initTimeout = .zero }, { $0.memorySize = 0 }, { $0.maximumConcurrency = 0 },
            { $0.environment = ["A=B": ""] }, { $0.environment = ["A": "\0"] },
            { $0.concurrencyPerSandbox = 0 }, { $0.idleTimeout = .zero }, { $0.eventRetryDelays = [.seconds(-1)] },
            {
                $0.snapStart = true
                $0.concurrencyPerSandbox = 2
            },
        ] as [@Sendable (inout FunctionConfiguration) -> Void])
    func `a function that cannot work is refused`(_ change: @Sendable (inout FunctionConfiguration) -> Void) async {
        var function = FunctionConfiguration(name: "echo", bootstrap: "/bootstrap")
        change(&function)
        let emulator = LambdaEmulator(functions: [function])
        let error = await #expect(throws: EmulatorError.self) { try await emulator.start() }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func `two functions of one name are refused`() async {
        let function = FunctionConfiguration(name: "echo", bootstrap: "/bootstrap")
        let emulator = LambdaEmulator(functions: [function, function])
        let error = await #expect(throws: EmulatorError.self) { try await emulator.start() }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func `an emulator starts once`() async throws {
        let emulator = LambdaEmulator(functions: [])
        _ = try await emulator.start()
        await #expect(throws: EmulatorError.self) { try await emulator.start() }
        await emulator.shutdown()
        let error = await #expect(throws: EmulatorError.self) { try await emulator.start() }
        #expect(error?.code == .wrongState)
    }
}
