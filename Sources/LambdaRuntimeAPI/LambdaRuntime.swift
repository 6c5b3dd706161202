// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPOSIX

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Answers a payload with a payload. It runs on the runtime's own thread until it first leaves it.
public typealias LambdaHandler = @Sendable (_ payload: [UInt8], _ context: InvocationContext) async throws -> [UInt8]

/// Answers a payload with a response that it writes piece by piece. It runs on Swift's shared threads, while the
/// runtime's own thread sends; its return is the end of the response.
public typealias StreamingLambdaHandler =
    @Sendable (_ payload: [UInt8], _ context: InvocationContext, _ writer: ResponseWriter) async throws -> Void

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
    /// Serves invocations for as long as the sandbox lives: one after the other, or as many at once as
    /// `AWS_LAMBDA_MAX_CONCURRENCY` says, each on a thread of its own.
    ///
    /// The handler's task is cancelled when the service ends the sandbox (SIGTERM); it has 400 ms then. What the handler throws is reported as the invocation's error: an ``InvocationError`` as it is, anything else
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
        await serve { .buffered(try await initialize($0)) }
    }

    /// Serves invocations one after the other with streamed responses, for as long as the sandbox lives.
    ///
    /// What the handler throws before the first byte is reported as the invocation's error, what it throws later in the
    /// trailers of the response. When the service takes no more of a response, the handler's task is cancelled; the next
    /// invocation is waited for once the handler has returned.
    public static func runStreaming(
        contentType: String = "application/octet-stream",
        _ handler: @escaping StreamingLambdaHandler
    ) async -> Never {
        await runStreaming(contentType: contentType) { _ in handler }
    }

    /// Sets up, and then serves invocations with streamed responses, for as long as the sandbox lives.
    ///
    /// What `initialize` throws is reported as an init error, and the process exits with status 1.
    public static func runStreaming(
        contentType: String = "application/octet-stream",
        initialize: @escaping @Sendable (RuntimeEnvironment) async throws -> StreamingLambdaHandler
    ) async -> Never {
        await serve { .streaming(try await initialize($0), contentType: contentType) }
    }

    private static func serve(
        _ initialize: @escaping @Sendable (RuntimeEnvironment) async throws -> RuntimeHandler
    ) async -> Never {
        // A peer that closes its connection must be an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        cposix_keep_freed_memory()
        let environment = RuntimeEnvironment.current()
        let termination = Termination()
        let handler: RuntimeHandler
        let loops: [RuntimeLoop]
        do {
            loops = try (0..<(environment.maximumConcurrency ?? 1)).map { _ in
                try RuntimeLoop(environment, termination)
            }
            handler = try await loops[0].start(initialize)
        } catch {
            end(error)
        }
        let tasks = loops.map { loop in
            Task { @concurrent in
                do {
                    try await loop.serve(handler)
                } catch {
                    end(error)
                }
            }
        }
        for task in tasks { termination.add(task) }
        // A loop returns only when the sandbox is about to end.
        for task in tasks { await task.value }
        endProcess(0)
    }

    private static func end(_ error: any Error) -> Never {
        writeLine(.fatal, "the runtime cannot go on: \(error)")
        endProcess(1)
    }
}
