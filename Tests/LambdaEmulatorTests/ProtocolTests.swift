// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// What a runtime is told when it breaks the rules, seen from inside a sandbox.
@Suite(.timeLimit(.minutes(2)))
struct ProtocolTests {
    struct PostCase: Sendable, CustomTestStringConvertible {
        var post: String
        var answer: String
        var testDescription: String { answer + post }
    }

    @Test(arguments: [
        PostCase(post: #"{"kind": "response", "id": "unknown"}"#, answer: "400 InvalidRequestID"),
        PostCase(post: #"{"kind": "error", "id": "unknown"}"#, answer: "400 InvalidRequestID"),
        PostCase(
            post: #"{"kind": "response", "headers": {"Lambda-Runtime-Invocation-Id": "stale"}}"#,
            answer: "410 InvokeTimeout"),
        PostCase(post: #"{"kind": "init"}"#, answer: "403 InvalidStateTransition"),
    ])
    func `a refused post leaves the invocation as it was`(_ test: PostCase) async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(0, raw: Data(#"{"posts": [\#(test.post)]}"#.utf8))
            #expect(answer.posts == [test.answer])
        }
    }

    @Test func `an empty invocation id is none`() async throws {
        try await withEmulator { fixture in
            let post: [String: Any] = ["kind": "response", "headers": ["Lambda-Runtime-Invocation-Id": ""]]
            let answer = try await fixture.invoke(["posts": [post], "silent": true])
            #expect(String(decoding: answer.body, as: UTF8.self) == #""posted""#)
            #expect(answer.headers["content-type"] == "application/octet-stream")
        }
    }

    @Test(arguments: ["response", "error"])
    func `a second answer is refused`(_ kind: String) async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(["posts": [["kind": "response"], ["kind": kind]], "silent": true])
            #expect(String(decoding: answer.body, as: UTF8.self) == #""posted""#)
            #expect(try await fixture.invoke([:]).posts == ["202 ", "403 InvalidStateTransition"])
        }
    }

    @Test func `a response of the limit passes and one byte more fails the invocation`() async throws {
        try await withEmulator { fixture in
            let whole = try await fixture.invoke(["size": 6_291_556])
            #expect(whole.status == 200 && !whole.isFunctionError && whole.body.count == 6_291_556)
            let large: [String: Any] = ["kind": "response", "size": 6_291_557]
            let answer = try await fixture.invoke(["posts": [large, ["kind": "error"]], "silent": true])
            #expect(answer.isFunctionError)
            #expect(answer.json["errorType"] as? String == "Function.ResponseSizeTooLarge")
            #expect(
                try await fixture.invoke([:]).posts == ["413 RequestEntityTooLarge", "403 InvalidStateTransition"])
        }
    }

    @Test func `next delivers a running invocation again`() async throws {
        try await withEmulator { fixture in
            let answer = try await fixture.invoke(["nextAgain": true])
            #expect(answer.json["again"] as? Bool == true)
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 2)
        }
    }
}
