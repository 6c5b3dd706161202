// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The time limits of a sandbox, and its end.
extension Sandbox {
    /// After `/init/error`: the jobs get that error when the runtime has exited, which it has to do soon.
    func noteInitError(_ result: InvocationResult, type: String) {
        endCause = .initError(result, type: type)
        setAlarm(.exitAfterInitError, after: Self.initErrorGrace)
    }

    /// Ends the child: at once, or with notice when it has registered an extension, as Lambda does.
    func kill(because cause: EndCause) {
        endCause = cause
        state.end()
        guard let child else { return }
        sampleMemory()
        if extensions.isEmpty {
            killNow()
        } else {
            // A stopped process would take the signal when it is continued.
            child.signal(SIGCONT)
            child.signalLeader(SIGTERM)
            setAlarm(.terminated, after: Self.terminationGrace)
        }
    }

    private func killNow() {
        child?.signal(SIGKILL)
        setAlarm(.killTakesLong, after: Self.killLimit)
    }

    /// The end, once: by exit, kill or failed start. `status` is nil when there was no child or it is not gone yet.
    func conclude(_ status: ExitStatus?) async {
        guard !isConcluded else { return }
        isConcluded = true
        state.end()
        for alarm in alarms.keys { cancelAlarm(alarm) }
        log.flush()
        let failure: SandboxFailure?
        switch endCause {
        case .shutdown: failure = nil
        case .initError(let result, let type):
            failure = nil
            reportFailedInit(.error(type: type))
            for id in jobs.keys { jobs[id]?.answer = result }
        case .failure(let cause): failure = cause
        case nil: failure = status.map(SandboxFailure.exit)
        }
        if !isInitialized, let failure { reportFailedInit(failure.status) }
        for id in jobs.keys { finishJob(id, failure) }
        for poll in polls + eventPolls.values { poll.response.finish() }
        await owner.sandboxEnded(self)
        await server?.stop()
        if child == nil { await owner.sandboxGone(self) }
    }

    private func reportFailedInit(_ status: ReportLine.Status) {
        if let restored {
            log.write(ReportLine.failedRestore(after: restored.duration(to: .now), status))
        } else {
            log.write(ReportLine.failedInit(after: spawned.duration(to: .now), status))
        }
    }

    func setAlarm(_ alarm: Alarm, after limit: Duration) {
        cancelAlarm(alarm)
        alarmCount += 1
        let number = alarmCount
        // Cancelled in `conclude` at the latest; what is left then is a task that wakes up and returns.
        let task = Task {
            try? await Task.sleep(for: limit, clock: .continuous)
            if !Task.isCancelled { await self.ring(alarm, number) }
        }
        alarms[alarm] = (number, task)
    }

    func cancelAlarm(_ alarm: Alarm) {
        alarms.removeValue(forKey: alarm)?.task.cancel()
    }

    private func ring(_ alarm: Alarm, _ number: Int) async {
        // One that was cancelled when it was on its way here already is not to be heard.
        guard alarms[alarm]?.number == number else { return }
        alarms[alarm] = nil
        switch alarm {
        case .initTimeout: endAfter(.initTimeout(after: function.initTimeout))
        case .restoreTimeout: endAfter(.restoreTimeout(after: Self.restoreLimit))
        case .deadline(let id): timeOut(id)
        case .exitAfterInitError: if let endCause { kill(because: endCause) }
        case .idle:
            guard endCause == nil, jobs.isEmpty else { return }
            retire()
            await owner.sandboxEnded(self)
        case .terminated: killNow()
        case .killTakesLong: await conclude(nil)
        }
    }

    /// The deadline of a job: the end of the sandbox too, unless others run in it.
    private func timeOut(_ id: String) {
        let failure = SandboxFailure.timeout(after: function.timeout)
        guard isConcurrent, let job = jobs[id] else { return endAfter(failure) }
        state.timeOut(job.attempt)
        finishJob(id, failure)
    }

    private func endAfter(_ failure: SandboxFailure) {
        // An end that is under way has its own cause.
        if endCause == nil { kill(because: .failure(failure)) }
    }
}
