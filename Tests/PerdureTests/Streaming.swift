// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch
import Foundation
import LambdaRuntimeAPI
import Perdure
import PerdureTesting

/// What one invocation of a streaming function was answered with.
struct StreamedAnswer: Sendable {
    let request: ScriptedRuntimeAPI.Request
    let receipt: Result<AnswerReceipt, RuntimeError>

    var body: String { String(decoding: request.body, as: UTF8.self) }
    /// Whether it is a response in streaming mode.
    var isStreamed: Bool { request["Lambda-Runtime-Function-Response-Mode"] == "streaming" }
    /// The same without the cursors.
    var events: String { withoutCursors(body) }
    /// What follows the prelude.
    var bodyAfterPrelude: String { body.components(separatedBy: String(repeating: "\0", count: 8)).last ?? "" }
    /// The error in the trailers.
    var trailers: String? {
        let framed = String(decoding: request.framedBody, as: UTF8.self)
        return framed.components(separatedBy: "Lambda-Runtime-Function-Error-Type: ").dropFirst().first
    }
}

extension AgentHandler {
    /// Answers one invocation as the runtime has it done: the thread sends, the handler has a task.
    func streamed(
        _ payload: [UInt8], interruption: ScriptedRuntimeAPI.Step? = nil, whenSent: @escaping @Sendable () -> Void = {}
    ) async throws -> StreamedAnswer {
        let api = try ScriptedRuntimeAPI(
            [.invocation(payload: payload), .accepted], interruptions: interruption.map { [1: $0] } ?? [:])
        let writer = ResponseWriter(contentType: "text/event-stream")
        let task = Task { @concurrent in
            do {
                try await answer(payload, context: context(), to: writer)
                writer.finish()
            } catch {
                writer.fail(InvocationError(error))
            }
        }
        let receipt = await send(writer, to: api)
        if (try? receipt.get()) != .accepted { task.cancel() }
        whenSent()
        await task.value
        return StreamedAnswer(request: api.requests[1], receipt: receipt)
    }
}

/// Server-sent events without their ids.
func withoutCursors(_ text: String) -> String {
    text.components(separatedBy: "\n").filter { !$0.hasPrefix("id: ") }.joined(separator: "\n")
}

/// Sends a response as the answer to the next invocation, on a thread that may block.
func send(_ writer: ResponseWriter, to api: ScriptedRuntimeAPI) async -> Result<AnswerReceipt, RuntimeError> {
    let environment = RuntimeEnvironment(["AWS_LAMBDA_RUNTIME_API": api.endpoint])
    return await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let receipt: Result<AnswerReceipt, RuntimeError>
            do throws(RuntimeError) {
                receipt = .success(try RuntimeClient(environment).next().stream(from: writer))
            } catch {
                receipt = .failure(error)
            }
            continuation.resume(returning: receipt)
        }
    }
}

/// What a thread waits at until a test opens it.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func open() { semaphore.signal() }

    /// Waits for up to half a minute.
    func wait() { _ = semaphore.wait(timeout: .now() + 30) }
}

/// A request as a REST API of API Gateway hands it over, or with version 1.0 an HTTP API.
func restEvent(body: String, version: String? = nil) -> [UInt8] {
    var event: JSONObject = [
        "resource": "/", "path": "/", "httpMethod": "POST", "headers": ["Content-Type": "application/json"],
        "queryStringParameters": nil, "stageVariables": nil,
        "requestContext": ["resourcePath": "/", "httpMethod": "POST", "stage": "live", "requestId": "r"],
        "body": .init(body), "isBase64Encoded": false,
    ]
    if let version { event["version"] = .init(version) }
    return JSONValue.object(event).bytes()
}
