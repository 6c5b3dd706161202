// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1

/// The Runtime API of one sandbox.
extension Sandbox {
    func serve(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(RuntimeAPIError) {
            guard !request.isFromWebPage else { throw .fromWebPage }
            switch try RuntimeAPI.Route(request) {
            case .next: return try await next()
            case .response(let id): return try await respond(request, requestID: id)
            case .error(let id): return try fail(request, requestID: id)
            case .initError: return try failInit(request)
            case .restoreNext: return try await restore()
            case .restoreError: return try failRestore(request)
            case .registerExtension: return try registerExtension(request)
            case .nextEvent: return try await nextEvent(request)
            case .ping: return RuntimeAPI.pong
            case .unsupported(let name): return RuntimeAPI.unsupported(name)
            }
        } catch {
            return RuntimeAPI.refusal(error)
        }
    }

    private func next() async throws(RuntimeAPIError) -> HTTPResponse {
        guard !isConcurrent || polls.count < function.concurrencyPerSandbox else { throw .tooManyPolls }
        let step = try state.next()
        extensions.close()
        if let job = (unsent.first ?? (step == .redeliver ? jobs.keys.first : nil)).flatMap({ jobs[$0] }) {
            unsent.removeAll { $0 == job.attempt.invocationID }
            return delivery(of: job)
        }
        // A runtime that runs one at a time has one poll: of two, the later one gets the invocation.
        if !isConcurrent {
            for poll in polls { poll.response.finish() }
            polls = []
        }
        let (poll, responses) = newPoll()
        polls.append(poll)
        await settle()
        for await response in responses { return response }
        // Ended, replaced, or the connection was lost; then what comes is delivered to the next poll.
        polls.removeAll { $0.number == poll.number }
        throw .invalidTransition(from: state.phase, to: "Running")
    }

    func newPoll() -> (Poll, AsyncStream<HTTPResponse>) {
        let (responses, response) = AsyncStream.makeStream(of: HTTPResponse.self)
        pollCount += 1
        return (Poll(number: pollCount, response: response), responses)
    }

    private func respond(_ request: HTTPRequest, requestID: String) async throws(RuntimeAPIError) -> HTTPResponse {
        let attempt = try beginAnswer(.response, request, requestID: requestID)
        let type = request.headers.first(name: "Content-Type")
        if let body = request.stream {
            return try await stream(body, as: type ?? "application/octet-stream", for: attempt)
        }
        // Observed on AWS's runtime interface emulator: after a bad mode, as after a body that broke off, the state is
        // neither the old nor the new one, and all that comes is refused. Of several at once, that one has failed.
        guard RuntimeAPI.responseMode(request.headers).isEmpty else {
            if isConcurrent { finishJob(attempt, .invalidResponseMode) }
            throw .invalidResponseMode
        }
        guard !request.isTruncated else {
            if isConcurrent { finishJob(attempt, .truncatedResponse) }
            throw .truncated
        }
        try state.endAnswer(attempt)
        if request.isTooLarge {
            answer(attempt, SandboxFailure.responseTooLarge.result(for: requestID))
            throw .tooLarge
        }
        answer(attempt, InvocationResult(payload: request.body, contentType: type ?? "application/octet-stream"))
        return RuntimeAPI.accepted
    }

    /// Passes a body on as it arrives.
    private func stream(_ body: BytePipe<HTTPBodyEnd>, as type: String, for attempt: SandboxState.Attempt)
        async throws(RuntimeAPIError) -> HTTPResponse
    {
        let pipe = beginStream(attempt, contentType: type)
        while true {
            switch await body.next() {
            case .bytes(let bytes):
                pipe.write(bytes)
                await pipe.waitForRoom()
            case .end(.complete(let trailers)):
                try state.endAnswer(attempt)
                endStream(attempt, failure: StreamedAnswer.Failure(trailers: trailers))
                if isConcurrent { finishJob(attempt.invocationID, nil) }
                return RuntimeAPI.accepted
            case .end(.truncated):
                let failure = StreamedAnswer.Failure(.truncatedResponse, requestID: attempt.requestID)
                // When the sandbox is being ended, that is the reason.
                if endCause == nil { endStream(attempt, failure: failure) }
                if isConcurrent { finishJob(attempt, .truncatedResponse) }
                throw .truncated
            }
        }
    }

    /// Of several at once: ends the one whose answer could not be taken. Later answers to it find it gone.
    private func finishJob(_ attempt: SandboxState.Attempt, _ failure: SandboxFailure) {
        // The only error is that it is gone already.
        try? state.endAnswer(attempt)
        finishJob(attempt.invocationID, failure)
    }

    private func fail(_ request: HTTPRequest, requestID: String) throws(RuntimeAPIError) -> HTTPResponse {
        if isConcurrent {
            let isTaken =
                !request.isTooLarge && !request.isTruncated
                && request.body.readableBytes <= RuntimeAPI.concurrentErrorLimit
            guard isTaken else { throw .tooLarge }
        }
        let attempt = try beginAnswer(.error, request, requestID: requestID)
        guard !request.isTruncated else { throw .truncated }
        try state.endAnswer(attempt)
        if request.isTooLarge {
            answer(attempt, SandboxFailure.responseTooLarge.result(for: requestID))
            throw .tooLarge
        }
        answer(attempt, errorResult(request, inInit: false))
        return RuntimeAPI.accepted
    }

    private func beginAnswer(_ kind: SandboxState.AnswerKind, _ request: HTTPRequest, requestID: String)
        throws(RuntimeAPIError) -> SandboxState.Attempt
    {
        try state.beginAnswer(
            kind, requestID: requestID, invocationID: RuntimeAPI.invocationID(request.headers))
    }

    private func failInit(_ request: HTTPRequest) throws(RuntimeAPIError) -> HTTPResponse {
        // Some runtimes report here what went wrong after a restore; AWS's emulator takes it as that.
        if state.phase == .restoring { return try failRestore(request) }
        try state.failInit()
        return try noteInitError(request)
    }

    private func failRestore(_ request: HTTPRequest) throws(RuntimeAPIError) -> HTTPResponse {
        guard function.snapStart else { throw .notFound }
        try state.failRestore()
        return try noteInitError(request)
    }

    private func noteInitError(_ request: HTTPRequest) throws(RuntimeAPIError) -> HTTPResponse {
        noteInitError(errorResult(request, inInit: true), type: errorType(request, inInit: true))
        if request.isTooLarge { throw .tooLarge }
        return RuntimeAPI.accepted
    }

    /// The runtime's error as it is; without a body, an error object that names its type only.
    ///
    /// The header `Lambda-Runtime-Function-XRay-Error-Cause` is for X-Ray, which is not here: it is read and dropped.
    /// All headers together may have 80 KiB (the limit of the HTTP parser); AWS keeps 64 KiB of the cause.
    private func errorResult(_ request: HTTPRequest, inInit: Bool) -> InvocationResult {
        let type = errorType(request, inInit: inInit)
        let body = request.body.readableBytes > 0 ? request.body : EmulatorJSON.object(["errorType": type])
        return InvocationResult(payload: body, contentType: "application/json", errorType: type)
    }

    private func errorType(_ request: HTTPRequest, inInit: Bool) -> String {
        RuntimeAPI.errorType(request.headers.first(name: "Lambda-Runtime-Function-Error-Type"), inInit: inInit)
    }
}
