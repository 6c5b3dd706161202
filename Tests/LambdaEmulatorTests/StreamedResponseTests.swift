// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// Streamed answers to a caller who does not stream, and the Runtime API's side of streams.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StreamedResponseTests {
    @Test func `a plain call gets the whole stream`() async throws {
        try await withEmulator { fixture in
            let event = ["stream": ["chunks": ["one", "two"]]]
            let answer = try await fixture.invoke(event, headers: ["X-Amz-Log-Type": "Tail"])
            #expect(String(decoding: answer.body, as: UTF8.self) == "onetwo" && !answer.isFunctionError)
            #expect(answer.headers["content-type"] == "application/octet-stream")
            let log = try #require(answer.headers["x-amz-log-result"].flatMap { Data(base64Encoded: $0) })
            #expect(String(decoding: log, as: UTF8.self).contains("REPORT RequestId: "))
        }
    }

    @Test func `a plain call gets a stream up to the limit`() async throws {
        try await withEmulator { fixture in
            let whole = try await fixture.invoke(["stream": ["size": 6_291_556]])
            #expect(whole.status == 200 && !whole.isFunctionError && whole.body.count == 6_291_556)
            let more = try await fixture.invoke(["stream": ["size": 6_291_557]])
            #expect(more.isFunctionError && more.json["errorType"] as? String == "Function.ResponseSizeTooLarge")
            // The runtime is not told.
            #expect(try await fixture.invoke([:]).posts == ["202 ", "202 "])
        }
    }

    @Test func `a plain call gets the error of a stream`() async throws {
        try await withEmulator { fixture in
            let error = #"{"errorMessage":"half way"}"#
            let stream: [String: Any] = ["chunks": ["one"], "errorType": "Function.HalfWay", "error": error]
            let answer = try await fixture.invoke(["stream": stream])
            #expect(answer.isFunctionError && String(decoding: answer.body, as: UTF8.self) == error)
        }
    }

    @Test(arguments: ["Streaming", "buffered"])
    func `another response mode is refused and the invocation is stuck`(_ mode: String) async throws {
        try await withEmulator { fixture in
            let header = ["Lambda-Runtime-Function-Response-Mode": mode]
            let posts: [[String: Any]] = [["kind": "response", "headers": header], ["kind": "error"]]
            let answer = try await fixture.invoke(["posts": posts, "silent": true])
            #expect(answer.isFunctionError && answer.json["errorType"] as? String == "Runtime.ExitError")
            _ = try await eventually("the refusal") {
                fixture.log.all.first { $0.contains("State transition from InvocationResponse to Ready failed") }
            }
            #expect(try await fixture.invoke([:]).json["count"] as? Int == 1)
        }
    }

    @Test func `an empty response mode is the buffered one`() async throws {
        try await withEmulator { fixture in
            let header = ["Lambda-Runtime-Function-Response-Mode": ""]
            let answer = try await fixture.invoke(
                ["posts": [["kind": "response", "headers": header] as [String: Any]], "silent": true])
            #expect(answer.body == Data(#""posted""#.utf8) && !answer.isFunctionError)
        }
    }

    @Test func `a stream for an unknown or an earlier invocation is refused`() async throws {
        try await withEmulator { fixture in
            let stale = ["Lambda-Runtime-Invocation-Id": "stale", "Lambda-Runtime-Function-Response-Mode": "streaming"]
            let answer = try await fixture.invoke([
                "posts": [
                    ["kind": "response", "headers": stale], ["kind": "response", "id": "unknown", "headers": stale],
                ] as [[String: Any]]
            ])
            #expect(answer.posts == ["410 InvokeTimeout", "400 InvalidRequestID"])
        }
    }

    @Test func `a function streams on when its caller is gone`() async throws {
        try await withEmulator { fixture in
            let gate = fixture.path("gate")
            let event = ["stream": ["chunks": ["one", "two"], "gates": ["1": gate]]]
            let payload = String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self)
            // Leaves after the first byte.
            let script = """
                import http.client, sys, urllib.parse
                client = http.client.HTTPConnection(urllib.parse.urlsplit(sys.argv[1]).netloc)
                client.request("POST", "/2021-11-15/functions/scripted/response-streaming-invocations", sys.argv[2])
                print(len(client.getresponse().read(1)))
                """
            let client = try await runProgram(["python3", "-c", script, fixture.endpoint, payload])
            #expect(client.output == "1\n", "\(client.errors)")
            fixture.create(gate)
            let next = try await fixture.invoke([:])
            #expect(next.json["count"] as? Int == 2 && next.posts == ["202 "])
        }
    }
}
