// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Testing

@testable import LambdaEmulator

/// The emulator as AWS's own clients see it.
@Suite(.timeLimit(.minutes(2)))
struct SDKTests {
    static let fakeCredentials = [
        "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "NO_PROXY": "127.0.0.1",
    ]

    struct Answer: Decodable {
        var status: Int?
        var functionError: String?
        var version: String?
        var requestID: String?
        var log: String?
        var code: String?
        var message: String?
        var payload: Payload?
    }

    struct Payload: Decodable {
        var event: String?
        var headers: [String: String]?
        var errorMessage: String?
    }

    @Test(.enabled("python3 or its boto3 cannot be imported") { await Python.canImport("boto3") })
    func `boto3 is served`() async throws {
        try await withEmulator { fixture in
            let result = try await runProgram(
                ["python3", Fixtures.script("invoke.py"), fixture.endpoint, "scripted"],
                environment: Self.fakeCredentials)
            try #require(result.status == 0, "\(result.errors)")
            let answers = try JSONDecoder().decode([String: Answer].self, from: Data(result.output.utf8))
            func answer(_ name: String) throws -> Answer { try #require(answers[name]) }

            let plain = try answer("plain")
            #expect(plain.status == 200 && plain.functionError == nil && plain.version == "$LATEST")
            #expect(plain.payload?.event == "hello")
            let id = try #require(plain.requestID)
            #expect(plain.payload?.headers?["lambda-runtime-aws-request-id"] == id)
            #expect(plain.log?.contains("START RequestId: \(id) Version: $LATEST\nprinted\n") == true)
            #expect(plain.log?.contains("\nEND RequestId: \(id)\nREPORT RequestId: \(id)\tDuration: ") == true)
            let context = try #require(plain.payload?.headers?["lambda-runtime-client-context"])
            #expect(context == #"{"custom":{"key":"v\u00e4rde"}}"#)

            #expect(
                try answer("alias").payload?.headers?["lambda-runtime-invoked-function-arn"]
                    == "arn:aws:lambda:us-east-1:000000000000:function:scripted:live")
            #expect(try answer("error").functionError == "Unhandled")
            #expect(try answer("error").payload?.errorMessage == "wrong")
            #expect(try answer("dryRun").status == 204)
            #expect(try answer("event").status == 202)
            #expect(try answer("unknown").code == "ResourceNotFoundException")
            #expect(
                try answer("unknown").message
                    == "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
            #expect(try answer("notJSON").code == "InvalidRequestContentException")
            #expect(try answer("notJSON").message?.hasPrefix("Could not parse request body into json: ") == true)
            #expect(try answer("tooLarge").code == "RequestTooLargeException")
        }
    }

    @Test(.enabled("the aws command line is not installed") { await Python.canImport("awscli") })
    func `the aws command line is served`() async throws {
        try await withEmulator { fixture in
            let event = fixture.path("event.json")
            try Data(#"{"event": "hello"}"#.utf8).write(to: URL(filePath: event))
            let result = try await runProgram(
                [
                    "aws", "lambda", "invoke", "--endpoint-url", fixture.endpoint, "--function-name", "scripted",
                    "--payload", "fileb://\(event)", fixture.path("answer.json"),
                ], environment: Self.fakeCredentials)
            try #require(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("\"ExecutedVersion\": \"$LATEST\""))
            let answer = try Data(contentsOf: URL(filePath: fixture.path("answer.json")))
            #expect(try JSONDecoder().decode(Payload.self, from: answer).event == "hello")
        }
    }
}
