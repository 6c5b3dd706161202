// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
public import LambdaRuntimeAPI
import SessionStore

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
        let question: Question
        do throws(AgentError) {
            question = try Question(event: try http?.contentsWithCursor() ?? event, defaultID: context.requestID)
        } catch {
            if http == nil { throw InvocationError(error) }
            return try await send(HTTPEvent.Answer(error), to: writer)
        }
        let wantsStream = question.wantsStream
        let stream = ReplyStream(writer, hasPrelude: http != nil, after: question.follow?.after)
        let result = try await answer(question, context: context, for: writer, to: stream)
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

    /// What a caller of a function that streams may ask.
    private struct Question {
        /// Nil when it is only to be shown what is there.
        let request: AgentRequest?
        /// Nil when the turn is not to be looked for elsewhere.
        let follow: FollowRequest?
        var wantsStream: Bool { request?.wantsStream ?? true }

        init(event: JSONValue, defaultID: String) throws(AgentError) {
            if let follow = try FollowRequest(event: event) {
                (request, self.follow) = (nil, follow)
                return
            }
            let request = try AgentRequest(event: event, defaultID: defaultID)
            self.request = request
            follow = request.after.map { FollowRequest(session: request.session, id: request.id, after: $0) }
        }
    }

    private func answer(
        _ question: Question, context: InvocationContext, for writer: ResponseWriter, to stream: ReplyStream
    ) async throws(RuntimeError) -> Result<AgentResponse, AgentError> {
        if let follow = question.follow {
            do {
                let deadline = context.deadline.instant
                switch try await runtime.follow(follow, as: question.request, until: deadline, to: stream) {
                case .settled(let outcome):
                    return .success(AgentResponse(session: follow.session, id: follow.id, outcome: outcome))
                case .open: if question.request == nil { return .failure(.interrupted) }
                case .unknown: if question.request == nil { return .failure(.noSuchRequest) }
                }
                stream.beginAgain()
            } catch let error as RuntimeError {
                throw error
            } catch {
                return .failure(AgentError(error))
            }
        }
        guard let request = question.request else { return .failure(.noSuchRequest) }
        guard request.wantsStream else { return await respond(to: request, context: context, for: writer) { _ in } }
        let live = runtime.liveText(for: request)
        return await respond(to: request, context: context, for: writer, showing: live) { progress in
            stream.show(progress)
            live?.append(progress.liveLine)
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
        showing live: LiveTextWriter? = nil,
        onProgress: @escaping @Sendable (TurnProgress) -> Void
    ) async -> Result<AgentResponse, AgentError> {
        let turn = Task { () -> Result<AgentResponse, AgentError> in
            do throws(AgentError) {
                let deadline = context.deadline.instant
                let response = try await runtime.respond(
                    to: request, deadline: deadline, showing: live, onProgress: onProgress)
                return .success(response)
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
