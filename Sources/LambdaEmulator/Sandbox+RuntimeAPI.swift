// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOCore
import NIOHTTP1

/// The Runtime API of one sandbox.
extension Sandbox {
    func serve(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(RuntimeAPIError) {
            switch RuntimeAPI.Route(request) {
            case .next: return try await next()
            case .response(let id): return try respond(request, requestID: id)
            case .error(let id): return try fail(request, requestID: id)
            case .initError: return try failInit(request)
            case nil: throw .notFound
            }
        } catch {
            return RuntimeAPI.refusal(error)
        }
    }

    private func next() async throws(RuntimeAPIError) -> HTTPResponse {
        let step = try state.next()
        switch step {
        case .initialized: finishInit()
        case .finished: finishJob(nil)
        case .redeliver, .idleAgain: break
        }
        if let job {
            deliver()
            return RuntimeAPI.delivery(job.invocation, attempt: job.attempt, deadline: self.job?.deadline ?? 0)
        }
        // A runtime has one poll: of two, the later one gets the invocation.
        poll?.response.finish()
        let (responses, response) = AsyncStream.makeStream(of: HTTPResponse.self)
        pollCount += 1
        let number = pollCount
        poll = Poll(number: number, response: response)
        if step != .idleAgain {
            freeze()
            await owner.sandboxBecameIdle(self)
        }
        for await response in responses { return response }
        // Ended, replaced, or the connection was lost; then what comes is delivered to the next poll.
        if poll?.number == number { poll = nil }
        throw .invalidTransition(from: state.phase, to: "Running")
    }

    private func respond(_ request: HTTPRequest, requestID: String) throws(RuntimeAPIError) -> HTTPResponse {
        if let mode = request.headers.first(name: "Lambda-Runtime-Function-Response-Mode"), !mode.isEmpty {
            throw .invalidResponseMode
        }
        try state.answer(
            requestID: requestID, invocationID: request.headers.first(name: "Lambda-Runtime-Invocation-Id"))
        if request.isTooLarge {
            answer(SandboxFailure.responseTooLarge.result(for: requestID))
            throw .tooLarge
        }
        let type = request.headers.first(name: "Content-Type") ?? "application/json"
        answer(InvocationResult(payload: request.body, contentType: type, isError: false))
        return RuntimeAPI.accepted
    }

    private func fail(_ request: HTTPRequest, requestID: String) throws(RuntimeAPIError) -> HTTPResponse {
        try state.answer(
            requestID: requestID, invocationID: request.headers.first(name: "Lambda-Runtime-Invocation-Id"))
        if request.isTooLarge {
            answer(SandboxFailure.responseTooLarge.result(for: requestID))
            throw .tooLarge
        }
        answer(errorResult(request, inInit: false))
        return RuntimeAPI.accepted
    }

    private func failInit(_ request: HTTPRequest) throws(RuntimeAPIError) -> HTTPResponse {
        try state.failInit()
        noteInitError(errorResult(request, inInit: true), type: errorType(request, inInit: true))
        if request.isTooLarge { throw .tooLarge }
        return RuntimeAPI.accepted
    }

    /// The runtime's error as it is; without a body, an error object that names its type only.
    private func errorResult(_ request: HTTPRequest, inInit: Bool) -> InvocationResult {
        let body =
            request.body.readableBytes > 0
            ? request.body : EmulatorJSON.object(["errorType": errorType(request, inInit: inInit)])
        return InvocationResult(payload: body, contentType: "application/json", isError: true)
    }

    private func errorType(_ request: HTTPRequest, inInit: Bool) -> String {
        RuntimeAPI.errorType(request.headers.first(name: "Lambda-Runtime-Function-Error-Type"), inInit: inInit)
    }
}
