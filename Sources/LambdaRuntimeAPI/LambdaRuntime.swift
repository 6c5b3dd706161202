// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Answers a payload with a payload. It runs on the runtime's own thread until it first leaves it.
public typealias LambdaHandler = @Sendable (_ payload: [UInt8], _ context: InvocationContext) async throws -> [UInt8]

/// Runs a handler as a Lambda function.
///
/// ```swift
/// @main
/// struct Echo {
///     static func main() async {
///         await LambdaRuntime.run { payload, context in payload }
///     }
/// }
/// ```
public enum LambdaRuntime {
    /// Serves invocations one after the other, for as long as the sandbox lives.
    ///
    /// What the handler throws is reported as the invocation's error: an ``InvocationError`` as it is, anything else
    /// by its type and description.
    public static func run(_ handler: @escaping LambdaHandler) async -> Never {
        await run { _ in handler }
    }

    /// Sets up, and then serves invocations one after the other, for as long as the sandbox lives.
    ///
    /// What `initialize` throws is reported as an init error, and the process exits with status 1.
    public static func run(
        initialize: @escaping @Sendable (RuntimeEnvironment) async throws -> LambdaHandler
    ) async -> Never {
        // A peer that closes its connection must be an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            try await RuntimeLoop().run(RuntimeEnvironment.current(), initialize)
        } catch {
            writeLine(.fatal, "the runtime cannot go on: \(error)")
        }
        exit(1)
    }
}

/// The loop, on a thread of its own: waiting for an invocation blocks for hours.
private actor RuntimeLoop {
    private let thread = RuntimeThread()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func run(
        _ environment: RuntimeEnvironment,
        _ initialize: @Sendable (RuntimeEnvironment) async throws -> LambdaHandler
    ) async throws(RuntimeError) {
        let client = try RuntimeClient(environment)
        let handler: LambdaHandler
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
        while true {
            let invocation = try client.next()
            if !sharesProcess { setTraceID(invocation.context.traceID) }
            let context = invocation.context
            let receipt: AnswerReceipt
            let answer: Result<[UInt8], InvocationError>
            do {
                let payload = invocation.payload
                let body = try await InvocationContext.$current.withValue(context) {
                    try await handler(payload, context)
                }
                answer = .success(body)
            } catch {
                answer = .failure(InvocationError(error))
            }
            switch answer {
            case .success(let body): receipt = try invocation.respond(body)
            case .failure(let error): receipt = try invocation.fail(error)
            }
            if case .refused(let status, let errorType) = receipt {
                writeLine(.error, "the answer was refused: \(status) \(errorType)", context)
            }
        }
    }
}

private final class RuntimeThread: SerialExecutor {
    private let queue = DispatchQueue(label: "perdure.runtime")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Puts the invocation's trace where X-Ray's libraries look for it.
///
/// `setenv` is not safe against a `getenv` on another thread: it is called before the handler is.
private func setTraceID(_ traceID: String?) {
    // Fails only without memory, and then tracing is what can be done without.
    if let traceID {
        _ = unsafe setenv("_X_AMZN_TRACE_ID", traceID, 1)
    } else {
        _ = unsafe unsetenv("_X_AMZN_TRACE_ID")
    }
}

/// A line of the runtime's own in the function's log.
private func writeLine(_ level: LambdaLog.Level, _ text: String, _ context: InvocationContext? = nil) {
    LambdaLog.standard.write(LambdaLog.Record(level, text, context: context))
}

/// Blocks the thread.
func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while unsafe nanosleep(&wanted, &left) == -1, errno == EINTR { wanted = left }
}
