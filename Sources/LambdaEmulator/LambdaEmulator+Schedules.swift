// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import NIOCore
import NIOHTTP1

/// EventBridge Scheduler's API, and the timers behind it.
extension LambdaEmulator {
    /// Moves the time of schedules on, and has what became due invoke its functions. Returns when the emulator has taken
    /// the invocations, which may then still run.
    ///
    /// The time that functions see is the machine's, and stays.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        scheduleClock.offset += Double(seconds) + Double(attoseconds) / 1e18
        fireSchedules()
    }

    /// Whether a request is for the scheduler.
    static func isSchedulerRequest(_ request: HTTPRequest) -> Bool { request.path?.first == "schedules" }

    func serveScheduler(_ request: HTTPRequest) -> HTTPResponse {
        do throws(SchedulerAPIError) {
            let answer = try schedulerAnswer(to: request)
            planSchedules()
            return HTTPResponse(
                status: .ok, headers: ["Content-Type": "application/json"], body: ByteBuffer(bytes: answer.bytes()))
        } catch {
            return error.response
        }
    }

    private func schedulerAnswer(to request: HTTPRequest) throws(SchedulerAPIError) -> JSONValue {
        guard takesCalls else {
            throw SchedulerAPIError(
                status: .internalServerError, type: "InternalServerException", message: "The emulator was shut down.")
        }
        guard let path = request.path, path.count <= 2 else { throw .unknownOperation }
        guard path.count == 2 else {
            guard request.method == .GET else { throw .unknownOperation }
            return try schedules.list(request.query)
        }
        let key = OneTimeSchedule.Key(
            group: request.query["groupName"] ?? OneTimeSchedule.defaultGroup, name: path[1])
        switch request.method {
        case .POST:
            let schedule = try Self.schedule(key.name, request, scheduleClock.now)
            let arn = try schedules.create(schedule)
            report(schedule)
            return ["ScheduleArn": JSONValue(arn)]
        case .PUT:
            let schedule = try Self.schedule(key.name, request, scheduleClock.now)
            let arn = try schedules.update(schedule)
            report(schedule)
            return ["ScheduleArn": JSONValue(arn)]
        case .GET: return try schedules.get(key).details
        case .DELETE:
            try schedules.delete(key)
            return [:]
        default: throw .unknownOperation
        }
    }

    /// Says when a function is to be invoked.
    private func report(_ schedule: OneTimeSchedule) {
        sink(
            "SCHEDULE Name: \(schedule.key.name) Function: \(schedule.function.name) Due: \(schedule.moment.ISO8601Format())"
        )
    }

    private static func schedule(_ name: String, _ request: HTTPRequest, _ now: Date) throws(SchedulerAPIError)
        -> OneTimeSchedule
    {
        guard let body = try? JSONValue(parsing: request.body.readableBytesView), body.object != nil else {
            throw .validation("The body is not a JSON object")
        }
        return try OneTimeSchedule(name: name, body: body, now: now)
    }

    /// Waits for the next schedule, in place of whatever was waited for.
    func planSchedules() {
        scheduleTimer?.cancel()
        guard takesCalls, let next = schedules.next else {
            scheduleTimer = nil
            return
        }
        let wait = Duration.seconds(max(0, next.timeIntervalSince(scheduleClock.now)))
        scheduleTimer = Task { [weak self] in
            guard (try? await Task.sleep(for: wait, clock: .continuous)) != nil else { return }
            await self?.fireSchedules()
        }
    }

    private func fireSchedules() {
        guard takesCalls else { return }
        for schedule in schedules.takeDue(at: scheduleClock.now) { fire(schedule) }
        planSchedules()
    }

    private func fire(_ schedule: OneTimeSchedule) {
        guard let function = pools[schedule.function.name]?.function else {
            return sink("Schedule \(schedule.key.name) Error: there is no function \(schedule.function.name)")
        }
        let invocation = Invocation(
            requestID: UUID().uuidString.lowercased(),
            functionARN: schedule.function.arn(region: SandboxEnvironment.region(of: function)),
            traceID: InvokeAPI.newTraceID(), tenantID: nil, clientContext: nil,
            payload: ByteBuffer(string: schedule.input), wantsLog: false)
        sink("SCHEDULE Name: \(schedule.key.name) fires, RequestId: \(invocation.requestID)")
        runInBackground(invocation, of: function)
    }
}

/// The time that schedules go by: the machine's, and what it was moved on by.
struct ScheduleClock {
    /// In seconds.
    var offset: TimeInterval = 0

    var now: Date { Date.now.addingTimeInterval(offset) }
}
