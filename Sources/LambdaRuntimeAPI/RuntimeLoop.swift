// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// What answers invocations.
enum RuntimeHandler: Sendable {
    case buffered(LambdaHandler)
    case streaming(StreamingLambdaHandler, contentType: String)
}

/// One invocation after the other, on a thread of its own: waiting for one blocks for hours.
actor RuntimeLoop {
    private let thread = RuntimeThread()
    private let environment: RuntimeEnvironment
    private let client: RuntimeClient
    private let termination: Termination

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ environment: RuntimeEnvironment, _ termination: Termination) throws(RuntimeError) {
        self.environment = environment
        self.termination = termination
        client = try RuntimeClient(environment)
    }

    /// Everything before the first `/next`, once in a process.
    func start(
        _ initialize: @Sendable (RuntimeEnvironment) async throws -> RuntimeHandler
    ) async throws(RuntimeError) -> RuntimeHandler {
        let handler: RuntimeHandler
        do {
            handler = try await initialize(environment)
        } catch {
            try endStart(InvocationError(error))
        }
        termination.watch()
        InternalExtension.start(client, environment)
        if environment.takesSnapshot { try await passSnapshot() }
        return handler
    }

    private func passSnapshot() async throws(RuntimeError) {
        do {
            try await LambdaRuntime.runBeforeSnapshot()
        } catch {
            try endStart(InvocationError(type: "Runtime.BeforeSnapshotError", cause: error))
        }
        try client.waitForRestore()
        reseedTLS()
        do {
            try await LambdaRuntime.runAfterRestore()
        } catch {
            let failure = InvocationError(type: "Runtime.AfterRestoreError", cause: error)
            writeLine(.fatal, "the function cannot go on after the snapshot: \(failure)")
            try client.reportRestoreError(failure)
            endProcess(1)
        }
    }

    private func endStart(_ failure: InvocationError) throws(RuntimeError) -> Never {
        writeLine(.fatal, "the function cannot start: \(failure)")
        try client.reportInitError(failure)
        endProcess(1)
    }

    /// Serves until the sandbox ends.
    func serve(_ handler: RuntimeHandler) async throws(RuntimeError) {
        // With several invocations in one process, a variable of the process cannot belong to one of them.
        let sharesProcess = environment.maximumConcurrency != nil
        var traceVariable = TraceVariable()
        repeat {
            let invocation = try client.next()
            guard termination.beginServing() else { return }
            let context = invocation.context
            if !sharesProcess { traceVariable.set(context.traceID) }
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
            await context.runAfterResponse()
        } while termination.endServing()
    }

    private func answer(
        _ invocation: consuming Invocation, with handler: LambdaHandler
    ) async throws(RuntimeError) -> AnswerReceipt {
        let answer: Result<[UInt8], InvocationError>
        do {
            let (payload, context) = (invocation.payload, invocation.context)
            let body = try await InvocationContext.$current.withValue(context) {
                try await call(handler, payload, context)
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

    /// A closure for the standard library is on this actor's thread if it uses the actor. Else it goes to another thread and
    /// back, 14 µs for an invocation, unless the optimizer happens to see through it.
    private func call(
        _ handler: LambdaHandler, _ payload: [UInt8], _ context: InvocationContext
    ) async throws -> [UInt8] {
        try await handler(payload, context)
    }

    private func stream(
        _ invocation: consuming Invocation,
        from handler: @escaping StreamingLambdaHandler,
        contentType: String
    ) async throws(RuntimeError) -> AnswerReceipt {
        let writer = ResponseWriter(contentType: contentType)
        let (payload, context) = (invocation.payload, invocation.context)
        // This thread sends, so the handler needs another. It has ended before the next invocation is asked for.
        async let writing: Void = write(to: writer, with: handler, payload: payload, context: context)
        // Without `await`, the task is cancelled before it is waited for.
        let receipt = try invocation.stream(from: writer)
        if receipt == .accepted { await writing }
        return receipt
    }
}

/// Has the handler write its response.
@concurrent
private func write(
    to writer: ResponseWriter,
    with handler: StreamingLambdaHandler,
    payload: [UInt8],
    context: InvocationContext
) async {
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
