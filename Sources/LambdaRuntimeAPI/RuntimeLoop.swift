// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What answers invocations.
enum RuntimeHandler: Sendable {
    case buffered(LambdaHandler)
    case streaming(StreamingLambdaHandler, contentType: String)
}

/// The loop, on a thread of its own: waiting for an invocation blocks for hours.
actor RuntimeLoop {
    private let thread = RuntimeThread()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func run(
        _ environment: RuntimeEnvironment,
        _ initialize: @Sendable (RuntimeEnvironment) async throws -> RuntimeHandler
    ) async throws(RuntimeError) {
        let client = try RuntimeClient(environment)
        let handler: RuntimeHandler
        do {
            handler = try await initialize(environment)
        } catch {
            let failure = InvocationError(error)
            writeLine(.fatal, "the function cannot start: \(failure)")
            try client.reportInitError(failure)
            exit(1)
        }
        // With several invocations in one process, a variable of the process cannot belong to one of them.
        let sharesProcess = environment["AWS_LAMBDA_MAX_CONCURRENCY"] != nil
        var traceVariable = TraceVariable()
        while true {
            let invocation = try client.next()
            if !sharesProcess { traceVariable.set(invocation.context.traceID) }
            let context = invocation.context
            let receipt: AnswerReceipt
            switch handler {
            case .buffered(let handler):
                receipt = try await answer(invocation, with: handler)
            case .streaming(let handler, let contentType):
                receipt = try await stream(invocation, from: handler, contentType: contentType)
            }
            if case .refused(let status, let errorType) = receipt {
                writeLine(.error, "the answer was refused: \(status) \(errorType)", context)
            }
        }
    }

    private func answer(
        _ invocation: consuming Invocation, with handler: LambdaHandler
    ) async throws(RuntimeError) -> AnswerReceipt {
        let answer: Result<[UInt8], InvocationError>
        do {
            let (payload, context) = (invocation.payload, invocation.context)
            let body = try await InvocationContext.$current.withValue(context) {
                try await handler(payload, context)
            }
            answer = .success(body)
        } catch {
            answer = .failure(InvocationError(error))
        }
        switch answer {
        case .success(let body): return try invocation.respond(body)
        case .failure(let error): return try invocation.fail(error)
        }
    }

    private func stream(
        _ invocation: consuming Invocation,
        from handler: @escaping StreamingLambdaHandler,
        contentType: String
    ) async throws(RuntimeError) -> AnswerReceipt {
        let writer = ResponseWriter(contentType: contentType)
        let (payload, context) = (invocation.payload, invocation.context)
        // This thread sends, so the handler needs another. The task has ended before the next invocation is asked for.
        let task = Task { @concurrent in
            do {
                try await InvocationContext.$current.withValue(context) {
                    try await handler(payload, context, writer)
                }
                writer.finish()
            } catch {
                let failure = InvocationError(error)
                if !writer.fail(failure) {
                    writeLine(.error, "failed after the end of its response: \(failure)", context)
                }
            }
        }
        let outcome: Result<AnswerReceipt, RuntimeError>
        do {
            outcome = .success(try invocation.stream(from: writer))
        } catch {
            outcome = .failure(error)
        }
        if (try? outcome.get()) != .accepted { task.cancel() }
        await task.value
        return try outcome.get()
    }
}
