// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import LambdaRuntimeAPI
import PerdureTesting
import Testing

@BlockingThread @Suite(.timeLimit(.minutes(1))) struct InvocationErrorTests {
    func report(_ error: InvocationError) throws -> ScriptedRuntimeAPI.Request {
        let api = try ScriptedRuntimeAPI([.invocation(payload: []), .accepted])
        try client(of: api).next().fail(error)
        return try #require(api.requests.last)
    }

    @Test(arguments: [
        "plain", "", "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}", #"quotes " and \\ backslashes"#, "Grüße 👩‍👩‍👧 \u{2028}",
    ])
    func `a message arrives as it is`(message: String) throws {
        let request = try report(InvocationError(type: "Function.X", message: message, stackTrace: [message]))
        #expect(try request.string("errorMessage") == message)
        #expect(try request.string("errorType") == "Function.X")
        #expect(try request.strings("stackTrace") == [message])
    }

    @Test(arguments: ["x", "é", "€", "👍", "\"", "\n", "\u{1}", "e\u{301}"])
    func `a long message is cut at a character`(character: String) throws {
        let message = "A" + String(repeating: character, count: (1 << 20) / character.utf8.count)
        let request = try report(InvocationError(type: "Function.X", message: message))
        #expect(request.body.count < 256 << 10)
        #expect(request.body.count > 100 << 10 || character.utf8.first ?? 0 < 0x20)
        #expect(String(validating: request.body, as: UTF8.self) != nil)
        let received = try #require(try request.string("errorMessage"))
        #expect(received.hasSuffix("…"))
        // Outside of the expectation, which would print a mebibyte.
        let isBeginning = message.unicodeScalars.starts(with: received.unicodeScalars.dropLast())
        #expect(isBeginning)
    }

    @Test func `a stack trace and a type without end are cut as well`() throws {
        let line = String(repeating: "\u{1}", count: 100_000)
        let long = InvocationError(type: line, message: line, stackTrace: Array(repeating: line, count: 1000))
        let request = try report(long)
        #expect(request.body.count < 256 << 10)
        #expect(try request.strings("stackTrace")?.count == 64)
    }

    @Test(arguments: ["Function.X\r\nX-Smuggled: 1", "line\nbreak", "", "blank in it", "é", "nul\u{0}"])
    func `a type that no header can carry is reported all the same`(type: String) throws {
        let request = try report(InvocationError(type: type, message: "m"))
        #expect(request["Lambda-Runtime-Function-Error-Type"] == (type.isEmpty ? "" : "Function.Unknown"))
        #expect(request["X-Smuggled"] == nil)
        #expect(try request.string("errorType") == type)
    }

    @Test(arguments: ["x", "é", "€", "👍", "\"", "\n", "\u{1}", "\u{7f}"])
    func `X-Ray's cause is one line of ASCII that a header takes`(character: String) throws {
        let long = String(repeating: character, count: 100_000)
        let stack = Array(repeating: long, count: 1000)
        let request = try report(InvocationError(type: "Function.X", message: long, stackTrace: stack))
        let cause = try #require(request["Lambda-Runtime-Function-XRay-Error-Cause"])
        #expect(cause.utf8.count <= 64 << 10)
        #expect(cause.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) })
        let json = try #require(JSONSerialization.jsonObject(with: Data(cause.utf8)) as? [String: Any])
        let exception = try #require((json["exceptions"] as? [[String: Any]])?.first)
        #expect(exception["type"] as? String == "Function.X")
        #expect((exception["message"] as? String)?.hasPrefix(character) == true)
        #expect((exception["stack"] as? [Any])?.count == 32)
    }

    struct NoSuchOrder: Error {}
    struct Wrong<Thing>: Error {}
    struct é: Error {}

    @Test func `what a handler throws is named after its type`() {
        #expect(InvocationError(NoSuchOrder()).type == "Function.NoSuchOrder")
        #expect(InvocationError(Wrong<Int>()).type == "Function.WrongInt")
        #expect(InvocationError(é()).type == "Function.Unknown")
        #expect(InvocationError(CancellationError()).type == "Function.CancellationError")
        let own = InvocationError(type: "Function.Own", message: "m", stackTrace: ["s"])
        #expect(InvocationError(own as any Error) == own)
    }
}
