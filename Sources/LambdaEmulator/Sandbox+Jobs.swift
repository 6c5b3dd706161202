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

/// The way of an invocation through its sandbox.
extension Sandbox {
    /// To be called when the runtime or an extension has come to wait. When all of them do, init is over, and with one
    /// invocation at a time that invocation; then the next one goes out, or the sandbox is idle.
    func settle() async {
        guard endCause == nil, state.isReady, extensions.areWaiting else { return }
        if !isInitialized { finishInit() }
        if !isConcurrent {
            for (id, job) in jobs where job.started != nil { finishJob(id, nil) }
        }
        deliver()
        if jobs.isEmpty {
            // Nothing to do: stopped until its next invocation.
            if function.freezesBetweenInvocations, !isConcurrent { child?.signal(SIGSTOP) }
            if let limit = function.idleTimeout { setAlarm(.idle, after: limit) }
        }
        while offered < polls.count {
            offered += 1
            await owner.sandboxBecameIdle(self)
        }
    }

    private func finishInit() {
        isInitialized = true
        cancelAlarm(.initTimeout)
        cancelAlarm(.restoreTimeout)
        if let restored {
            restoreDuration = restored.duration(to: .now)
        } else {
            initDuration = spawned.duration(to: .now)
        }
    }

    /// Gives the jobs to the runtime: to a `/next` that waits, else to the one that comes.
    func deliver() {
        while isInitialized, let id = queue.first, var job = jobs[id], state.begin(job.attempt) {
            queue.removeFirst()
            job.started = .now
            job.deadline =
                Int64(Date.now.timeIntervalSince1970 * 1000) + Int64(function.timeout.milliseconds)
            jobs[id] = job
            log.write("START RequestId: \(job.invocation.requestID) Version: $LATEST")
            setAlarm(.deadline(invocationID: id), after: function.timeout)
            sampleMemory()
            child?.signal(SIGCONT)
            tellExtensions(of: job)
            if polls.isEmpty {
                unsent.append(id)
            } else {
                polls.removeFirst().response.yield(delivery(of: job))
            }
        }
    }

    func delivery(of job: Job) -> HTTPResponse {
        RuntimeAPI.delivery(job.invocation, attempt: job.attempt, deadline: job.deadline)
    }

    /// Notes the answer and passes it on, unless the caller waits for the log.
    func answer(_ attempt: SandboxState.Attempt, _ result: InvocationResult) {
        let id = attempt.invocationID
        jobs[id]?.answer = result
        if jobs[id]?.invocation.wantsLog == false {
            jobs[id]?.caller?.resume(returning: .answered(result))
            jobs[id]?.caller = nil
        }
        // Where several run at once, nobody knows which of them background work belongs to.
        if isConcurrent { finishJob(id, nil) }
    }

    /// Gives the caller the beginning of an answer, and the runtime's request the pipe for the rest.
    func beginStream(_ attempt: SandboxState.Attempt, contentType: String) -> BytePipe<StreamedAnswer.End> {
        let pipe = BytePipe<StreamedAnswer.End>()
        let id = attempt.invocationID
        jobs[id]?.stream = pipe
        jobs[id]?.caller?.resume(returning: .streaming(StreamedAnswer(contentType: contentType, pipe: pipe)))
        jobs[id]?.caller = nil
        return pipe
    }

    /// Ends a streamed answer, except that a caller who wants the log has to wait for it.
    func endStream(_ attempt: SandboxState.Attempt, failure: StreamedAnswer.Failure?) {
        let id = attempt.invocationID
        guard let job = jobs[id] else { return }
        jobs[id]?.isStreamWhole = failure == nil
        jobs[id]?.streamFailure = failure
        if !job.invocation.wantsLog { job.stream?.finish(StreamedAnswer.End(failure: failure, log: [])) }
    }

    /// Ends a job: log lines, and the caller's answer if it has none yet.
    func finishJob(_ id: String, _ failure: SandboxFailure?) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        cancelAlarm(.deadline(invocationID: id))
        queue.removeAll { $0 == id }
        unsent.removeAll { $0 == id }
        let requestID = job.invocation.requestID
        log.flush()
        sampleMemory()
        if let failure { writeReason(failure, of: requestID) }
        if let started = job.started {
            var duration = started.duration(to: .now)
            if failure?.status == .timeout { duration = min(duration, function.timeout) }
            log.write("END RequestId: \(requestID)")
            let report = ReportLine(
                requestID: requestID, duration: duration, memorySize: function.memorySize, maxMemoryUsed: maxMemory,
                initDuration: initDuration, restoreDuration: restoreDuration, status: failure?.status)
            log.write("\(report)")
            (initDuration, restoreDuration) = (nil, nil)
        }
        let tail = log.endTail(of: id)
        let wanted = job.invocation.wantsLog ? tail : []
        if let stream = job.stream {
            let reason = job.isStreamWhole ? nil : failure ?? .shutdown
            let end = job.streamFailure ?? reason.map { StreamedAnswer.Failure($0, requestID: requestID) }
            stream.finish(StreamedAnswer.End(failure: end, log: wanted))
        }
        guard let caller = job.caller else { return }
        if var result = job.answer ?? failure?.result(for: requestID) {
            result.log = wanted
            caller.resume(returning: .answered(result))
        } else {
            caller.resume(returning: .abandoned)
        }
    }

    private func writeReason(_ failure: SandboxFailure, of id: String) {
        if failure.status == .timeout {
            let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            log.write("\(time) \(id) \(failure.message)")
        } else {
            log.write(failure.message(for: id))
            log.write(failure.type)
        }
    }
}
