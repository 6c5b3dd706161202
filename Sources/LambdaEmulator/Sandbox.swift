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
/// It runs one invocation at a time and tells `owner` when it is free again and when it is gone.
actor Sandbox {
    /// An invocation that this sandbox has been given and is not done with.
    struct Job {
        var invocation: Invocation
        var attempt: SandboxState.Attempt
        /// The caller; nil once it has its answer.
        var caller: CheckedContinuation<InvocationOutcome, Never>?
        var answer: InvocationResult?
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
        case shutdown
    }

    private enum Alarm {
        case initTimeout, deadline, exitAfterInitError, killTakesLong
    }

    /// How long a caller waits for a killed process to be gone; one that hangs in the kernel dies later.
    static let killLimit = Duration.seconds(2)
    /// How long a runtime has to exit after `/init/error`.
    static let initErrorGrace = Duration.milliseconds(500)

    nonisolated let number: Int
    let function: FunctionConfiguration
    let owner: LambdaEmulator
    let log: SandboxLog
    var state = SandboxState()
    var job: Job?
    var poll: Poll?
    var pollCount = 0
    private(set) var endCause: EndCause?
    private var child: ChildProcess?
    private var server: HTTPServer?
    private var watcher: Task<Void, Never>?
    private var alarm: Task<Void, Never>?
    private var alarmCount = 0
    private var spawned = ContinuousClock.now
    private var isInitialized = false
    private var initDuration: Duration?
    private var maxMemory: Int?
    private var isConcluded = false

    init(number: Int, function: FunctionConfiguration, owner: LambdaEmulator, sink: @escaping LambdaEmulator.LogSink)
        throws(EmulatorError)
    {
        self.number = number
        self.function = function
        self.owner = owner
        log = try SandboxLog(sink: sink)
    }

    /// The child's process and group number; nil before its start and after its end.
    var processID: Int32? {
        child.flatMap { isConcluded ? nil : $0.pid }
    }

    /// Runs an invocation, in a child that is started now if this is the first one, and returns its answer.
    func invoke(_ invocation: Invocation) async -> InvocationOutcome {
        guard job == nil, endCause == nil, state.phase == .idle || server == nil, child?.hasExited != true else {
            return .undelivered
        }
        if server == nil {
            do throws(EmulatorError) {
                server = try await HTTPServer.start(host: "127.0.0.1", port: 0, bodyLimit: RuntimeAPI.bodyLimit) {
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
            let attempt = SandboxState.Attempt(
                requestID: invocation.requestID, invocationID: UUID().uuidString.lowercased())
            job = Job(invocation: invocation, attempt: attempt, caller: caller)
            log.beginTail()
            if child == nil { spawn() } else { deliver() }
        }
    }

    /// Kills the child, and returns when it is reaped and its port is closed.
    func end() async {
        if endCause == nil { kill(because: .shutdown) }
        await watcher?.value
    }

    private func spawn() {
        spawned = .now
        let variables = SandboxEnvironment.variables(
            for: function, runtimeAPI: "127.0.0.1:\(server?.port ?? 0)", logStream: SandboxEnvironment.newLogStream())
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
                job?.caller?.resume(returning: .failed(error))
                job = nil
                endCause = .shutdown
            } else {
                endCause = .failure(.invalidEntrypoint(function.bootstrap))
            }
            watcher = Task { await self.conclude(nil) }
        }
        log.closeWriteEnd()
    }

    /// Gives the job to the runtime: to the `/next` that waits, else to the one that comes.
    func deliver() {
        guard var job, state.begin(job.attempt) else { return }
        job.started = .now
        let limit = Int64(function.timeout.milliseconds)
        job.deadline = Int64(Date.now.timeIntervalSince1970 * 1000) + limit
        self.job = job
        log.write("START RequestId: \(job.invocation.requestID) Version: $LATEST")
        setAlarm(.deadline, after: function.timeout)
        sampleMemory()
        child?.signal(SIGCONT)
        poll?.response.yield(RuntimeAPI.delivery(job.invocation, attempt: job.attempt, deadline: job.deadline))
        poll = nil
    }

    func finishInit() {
        isInitialized = true
        initDuration = spawned.duration(to: .now)
    }

    /// Stops the sandbox: it has nothing to do and waits for its next invocation.
    func freeze() {
        cancelAlarm()
        if function.freezesBetweenInvocations { child?.signal(SIGSTOP) }
    }

    /// Notes the answer and passes it on, unless the caller waits for the log.
    func answer(_ result: InvocationResult) {
        job?.answer = result
        guard job?.invocation.wantsLog == false else { return }
        job?.caller?.resume(returning: .answered(result))
        job?.caller = nil
    }

    /// Ends the job: log lines, and the caller's answer if it has none yet.
    func finishJob(_ failure: SandboxFailure?) {
        guard let job else { return }
        self.job = nil
        let id = job.invocation.requestID
        log.flush()
        sampleMemory()
        if let failure { writeReason(failure, of: id) }
        if let started = job.started {
            var duration = started.duration(to: .now)
            if failure?.status == .timeout { duration = min(duration, function.timeout) }
            log.write("END RequestId: \(id)")
            let report = ReportLine(
                requestID: id, duration: duration, memorySize: function.memorySize, maxMemoryUsed: maxMemory,
                initDuration: initDuration, status: failure?.status)
            log.write("\(report)")
            initDuration = nil
        }
        let tail = log.endTail()
        guard let caller = job.caller else { return }
        if var result = job.answer ?? failure?.result(for: id) {
            if job.invocation.wantsLog { result.log = tail }
            caller.resume(returning: .answered(result))
        } else {
            caller.resume(returning: .abandoned)
        }
    }

    /// After `/init/error`: the job gets that error when the runtime has exited, which it has to do soon.
    func noteInitError(_ result: InvocationResult, type: String) {
        endCause = .initError(result, type: type)
        setAlarm(.exitAfterInitError, after: Self.initErrorGrace)
    }

    private func kill(because cause: EndCause) {
        endCause = cause
        state.end()
        guard let child else { return }
        sampleMemory()
        child.signal(SIGKILL)
        setAlarm(.killTakesLong, after: Self.killLimit)
    }

    private func writeReason(_ failure: SandboxFailure, of id: String) {
        if failure.status == .timeout {
            log.write("\(Date.now.formatted(.iso8601.time(includingFractionalSeconds: true))) \(id) \(failure.message)")
        } else {
            log.write(failure.message(for: id))
            log.write(failure.type)
        }
    }

    /// The end, once: by exit, kill or failed start. `status` is nil when there was no child or it is not gone yet.
    private func conclude(_ status: ExitStatus?) async {
        guard !isConcluded else { return }
        isConcluded = true
        state.end()
        cancelAlarm()
        log.flush()
        switch endCause {
        case .shutdown: finishJob(nil)
        case .initError(let result, let type):
            reportFailedInit(.error(type: type))
            job?.answer = result
            finishJob(nil)
        case .failure(let failure):
            if !isInitialized { reportFailedInit(failure.status) }
            finishJob(failure)
        case nil:
            let failure = status.map(SandboxFailure.exit)
            if !isInitialized, let failure { reportFailedInit(failure.status) }
            finishJob(failure)
        }
        poll?.response.finish()
        await owner.sandboxEnded(self)
        await server?.stop()
        if child == nil { await owner.sandboxGone(self) }
    }

    private func reportFailedInit(_ status: ReportLine.Status) {
        log.write(ReportLine.failedInit(after: spawned.duration(to: .now), status))
    }

    private func sampleMemory() {
        if let now = child?.maxMemory { maxMemory = max(maxMemory ?? 0, now) }
    }

    private func setAlarm(_ kind: Alarm, after limit: Duration) {
        alarm?.cancel()
        alarmCount += 1
        let number = alarmCount
        // Cancelled in `conclude` at the latest; what is left then is a task that wakes up and returns.
        alarm = Task {
            try? await Task.sleep(for: limit, clock: .continuous)
            if !Task.isCancelled { await self.ring(kind, number) }
        }
    }

    private func cancelAlarm() {
        alarm?.cancel()
        // One that is on its way here already is not to be heard.
        alarmCount += 1
    }

    private func ring(_ kind: Alarm, _ number: Int) async {
        guard number == alarmCount else { return }
        switch kind {
        case .initTimeout: kill(because: .failure(.initTimeout(after: function.initTimeout)))
        case .deadline: kill(because: .failure(.timeout(after: function.timeout)))
        case .exitAfterInitError: if let endCause { kill(because: endCause) }
        case .killTakesLong: await conclude(nil)
        }
    }
}
