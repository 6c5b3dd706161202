// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
public import LambdaRuntimeAPI

extension AgentHandler {
    /// Answers one invocation of a function that streams; for ``LambdaRuntimeAPI/LambdaRuntime/runStreaming(contentType:_:)``
    /// with the content type `text/event-stream`.
    ///
    /// An event with `"stream":true` is answered with server-sent events: `text` and `tools` while the turn runs, then
    /// one `done` or `error`. Any other is answered as ``answer(_:context:)`` does, but that a REST API's is streamed in
    /// any case, in one piece.
    ///
    /// Throws an ``LambdaRuntimeAPI/InvocationError``, which Lambda reports: in place of the response if nothing was
    /// written, else in its trailers. The turn goes on to its end when nobody reads any more; a task that is cancelled
    /// while somebody does ends it, as its deadline would.
    public func answer(_ payload: [UInt8], context: InvocationContext, to writer: ResponseWriter) async throws {
        let event = try Self.event(in: payload)
        let http = HTTPEvent(event)
        do {
            if let http, !http.isStreamable {
                try writer.respond(await answer(http, context: context).envelope.bytes())
            } else {
                try await stream(event, http, context: context, to: writer)
            }
        } catch let error as RuntimeError where error.code == .responseAbandoned {
            // Nobody reads it. The outcome is in the session.
        }
    }

    private func stream(
        _ event: JSONValue, _ http: HTTPEvent?, context: InvocationContext, to writer: ResponseWriter
    ) async throws {
        let stream = ReplyStream(writer, hasPrelude: http != nil)
        var wantsStream = false
        let result: Result<AgentResponse, AgentError>
        do throws(AgentError) {
            let request = try AgentRequest(event: try http?.contents() ?? event, defaultID: context.requestID)
            wantsStream = request.wantsStream
            result = await respond(to: request, context: context, for: writer) { progress in
                if request.wantsStream { stream.show(progress) }
            }
        } catch {
            result = .failure(error)
        }
        switch result {
        case .success(let response) where wantsStream:
            try await stream.finish(response)
        case .success(let response):
            guard http != nil else { return try writer.respond(response.json.bytes()) }
            try await send(HTTPEvent.Answer(response), to: writer)
        case .failure(let error):
            if stream.hasBegun {
                try await stream.fail(error)
            } else if http != nil {
                return try await send(HTTPEvent.Answer(error), to: writer)
            }
            // To Lambda, an HTTP request that was answered is one that went well, whatever the answer.
            if http == nil { throw InvocationError(error) }
        }
    }

    private func send(_ answer: HTTPEvent.Answer, to writer: ResponseWriter) async throws(RuntimeError) {
        try await writer.write(answer.prelude)
        try await writer.write(answer.body.bytes())
    }

    /// Runs a turn to its end though its reader leaves: what it has begun is paid for, and asking again finds it done.
    private func respond(
        to request: AgentRequest,
        context: InvocationContext,
        for writer: ResponseWriter,
        onProgress: @escaping @Sendable (TurnProgress) -> Void
    ) async -> Result<AgentResponse, AgentError> {
        let turn = Task { () -> Result<AgentResponse, AgentError> in
            do throws(AgentError) {
                let deadline = context.deadline.instant
                return .success(try await runtime.respond(to: request, deadline: deadline, onProgress: onProgress))
            } catch {
                return .failure(error)
            }
        }
        return await withTaskCancellationHandler {
            await turn.value
        } onCancel: {
            // The runtime cancels when the service takes no more; whoever else does means the turn.
            if !writer.isAbandoned { turn.cancel() }
        }
    }
}
