// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One execution environment: a child process, its Runtime API on a port of its own, its log, its time limits.
///
/// It tells `owner` each time a runtime waits for an invocation, and when it is gone.
actor Sandbox {
    /// An invocation that this sandbox has been given and is not done with.
    struct Job {
        var invocation: Invocation
        var attempt: SandboxState.Attempt
        /// The caller; nil once it has its answer, or the beginning of it.
        var caller: CheckedContinuation<InvocationOutcome, Never>?
        var answer: InvocationResult?
        var stream: BytePipe<StreamedAnswer.End>?
        var isStreamWhole = false
        var streamFailure: StreamedAnswer.Failure?
        /// Nil until it is delivered.
        var started: ContinuousClock.Instant?
        /// Milliseconds since the epoch.
        var deadline: Int64 = 0
    }

    /// A `/next` that waits.
    struct Poll {
        var number: Int
        var response: AsyncStream<HTTPResponse>.Continuation
    }

    /// Why the sandbox is being ended, when it does not end by itself.
    enum EndCause {
        case failure(SandboxFailure)
        case initError(InvocationResult, type: String)
        /// The emulator's end, or no more need for the sandbox.
        case shutdown
    }

    enum Alarm: Hashable {
        case initTimeout, restoreTimeout, exitAfterInitError, idle, terminated, killTakesLong
        case deadline(invocationID: String)
    }

    /// How long a caller waits for a killed process to be gone; one that hangs in the kernel dies later.
    static let killLimit = Duration.seconds(2)
    /// How long a runtime has to exit after `/init/error`.
    static let initErrorGrace = Duration.milliseconds(500)
    /// How long a runtime has from SIGTERM to SIGKILL. Lambda's developer guide, on the shutdown phase: "0 ms – A
    /// function with no registered extensions; 500 ms – A function with a registered internal extension". The 2 s of
    /// functions with external extensions are not needed: there are none here.
    static let terminationGrace = Duration.milliseconds(500)
    /// How long a runtime has from the answer of `/restore/next` to its first `/next`: Lambda's limit for restore hooks.
    static let restoreLimit = Duration.seconds(10)
    /// How long a sandbox is stopped for its snapshot: enough for clocks to show it.
    static let snapshotPause = Duration.milliseconds(50)

    nonisolated let number: Int
    nonisolated let function: FunctionConfiguration
    /// The one tenant that it serves, of a function that keeps them apart.
    nonisolated let tenantID: String?
    /// Where the emulator's own APIs are.
    nonisolated let endpoint: String?
    let owner: LambdaEmulator
    let log: SandboxLog
    var state: any RuntimeState
    var extensions: Extensions
    /// By invocation id.
    var jobs: [String: Job] = [:]
    /// Jobs that wait for the end of init.
    var queue: [String] = []
    /// Jobs that have begun with nobody polling: a poll was lost, and the one that comes next gets them.
    var unsent: [String] = []
    var polls: [Poll] = []
    /// By extension.
    var eventPolls: [String: Poll] = [:]
    var pollCount = 0
    /// How often the owner has been told that there is a poll, less what came of it.
    var offered = 0
    var endCause: EndCause?
    var child: ChildProcess?
    var server: HTTPServer?
    var watcher: Task<Void, Never>?
    var alarms: [Alarm: (number: Int, task: Task<Void, Never>)] = [:]
    var alarmCount = 0
    var spawned = ContinuousClock.now
    var restored: ContinuousClock.Instant?
    var isInitialized = false
    var initDuration: Duration?
    var restoreDuration: Duration?
    var maxMemory: Int?
    var isConcluded = false

    init(
        number: Int, function: FunctionConfiguration, tenantID: String?, endpoint: String?, owner: LambdaEmulator,
        sink: @escaping LambdaEmulator.LogSink
    ) throws(EmulatorError) {
        self.number = number
        self.function = function
        self.tenantID = tenantID
        self.endpoint = endpoint
        self.owner = owner
        let isConcurrent = function.concurrencyPerSandbox > 1
        state = isConcurrent ? ConcurrentState() : SandboxState()
        extensions = Extensions(allowsInvocations: !isConcurrent)
        log = try SandboxLog(sink: sink)
    }

    nonisolated var isConcurrent: Bool { function.concurrencyPerSandbox > 1 }

    /// The child's process and group number; nil before its start and after its end.
    var processID: Int32? {
        child.flatMap { isConcluded ? nil : $0.pid }
    }

    /// Runs an invocation, in a child that is started now if this is the first one, and returns its answer.
    func invoke(_ invocation: Invocation) async -> InvocationOutcome {
        let isNew = server == nil
        if !isNew { offered -= 1 }
        // A runtime with more workers than it was told of gets more: each that polls.
        guard isConcurrent || jobs.isEmpty, endCause == nil, state.isReady || isNew, child?.hasExited != true else {
            return .undelivered
        }
        cancelAlarm(.idle)
        if isNew {
            do throws(EmulatorError) {
                server = try await HTTPServer.start(
                    host: "127.0.0.1", port: 0, bodyLimit: RuntimeAPI.bodyLimit, streams: RuntimeAPI.streams
                ) {
                    await self.serve($0)
                }
            } catch {
                await conclude(nil)
                return .failed(error)
            }
        }
        guard endCause == nil else {
            await conclude(nil)
            return .abandoned
        }
        // No suspension from here to the child's start: its first /next finds the job.
        return await withCheckedContinuation { caller in
            let id = UUID().uuidString.lowercased()
            let attempt = SandboxState.Attempt(requestID: invocation.requestID, invocationID: id)
            jobs[id] = Job(invocation: invocation, attempt: attempt, caller: caller)
            queue.append(id)
            log.beginTail(of: id)
            if child == nil { spawn() } else { deliver() }
        }
    }

    /// Ends the child, and returns when it is reaped and its port is closed.
    func end() async {
        retire()
        await watcher?.value
    }

    /// Begins to end the child: it takes no more invocations.
    func retire() {
        if endCause == nil { kill(because: .shutdown) }
    }

    private func spawn() {
        spawned = .now
        let variables = SandboxEnvironment.variables(
            for: function, runtimeAPI: "127.0.0.1:\(server?.port ?? 0)", endpoint: endpoint,
            logStream: SandboxEnvironment.newLogStream())
        do throws(EmulatorError) {
            let child = try ChildProcess.spawn(
                path: SandboxEnvironment.absolute(function.bootstrap), environment: variables,
                directory: SandboxEnvironment.taskRoot(of: function), output: log.writeEnd)
            self.child = child
            watcher = Task {
                await self.conclude(child.exit())
                await self.owner.sandboxGone(self)
            }
            setAlarm(.initTimeout, after: function.initTimeout)
        } catch {
            log.write("\(error)")
            if error.isRetryable {
                // Not the function's fault: the machine is short of something.
                for job in jobs.values { job.caller?.resume(returning: .failed(error)) }
                jobs = [:]
                endCause = .shutdown
            } else {
                endCause = .failure(.invalidEntrypoint(function.bootstrap))
            }
            watcher = Task { await self.conclude(nil) }
        }
        log.closeWriteEnd()
    }

    func sampleMemory() {
        if let now = child?.maxMemory { maxMemory = max(maxMemory ?? 0, now) }
    }
}
