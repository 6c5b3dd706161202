// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

package import JSONCore

/// Has the function that this process belongs to run again: as soon as possible, or at a moment to come.
///
/// Both go through AWS, with the permissions of the function's role, and both deliver at least once. What is needed is in
/// the environment: `AWS_LAMBDA_FUNCTION_NAME`, `AWS_LAMBDA_FUNCTION_VERSION`, `AWS_REGION` and the credentials, which Lambda
/// sets; for moments to come also `PERDURE_SCHEDULER_ROLE`, the ARN of the role that a schedule invokes the function with,
/// and, if the schedules belong to another group than `default`, `PERDURE_SCHEDULE_GROUP`.
package struct FunctionWaker: Sendable {
    /// What became of a wish to be woken.
    package enum Wake: Sendable, Hashable {
        /// There is a new schedule.
        case scheduled
        /// A schedule of this key has the new moment and event.
        case rescheduled
        /// The moment had come: the function was invoked at once.
        case invoked
    }

    private let environment: Environment
    private let invoker: LambdaInvoker
    private let scheduler: Scheduler
    private let now: @Sendable () -> UTCTime

    /// Makes a waker; nothing is connected before the first call.
    package init(environment: @escaping Environment, limits: CallLimits = CallLimits()) {
        self.init(environment: environment, limits: limits, now: UTCTime.now)
    }

    init(environment: @escaping Environment, limits: CallLimits, now: @escaping @Sendable () -> UTCTime) {
        self.environment = ignoringEmptyVariables(environment)
        self.now = now
        invoker = LambdaInvoker(environment: environment, limits: limits)
        scheduler = Scheduler(environment: environment, limits: limits)
    }

    /// Whether the environment says which function this is.
    package var canInvoke: Bool { environment("AWS_LAMBDA_FUNCTION_NAME") != nil }

    /// Whether the environment also names the role of schedules.
    package var canSchedule: Bool { canInvoke && environment("PERDURE_SCHEDULER_ROLE") != nil }

    /// Hands Lambda an event for this function. One request.
    /// - Parameters:
    ///   - payload: JSON of up to 1 MiB.
    ///   - target: The ARN to invoke, such as the one that this invocation was called by; nil for this function in the
    ///     version of this process.
    package func invokeAsynchronously(_ payload: JSONValue, target: String? = nil) async throws(AWSError) {
        if let target {
            try await invoker.invokeAsynchronously(target, payload: payload.bytes())
        } else {
            try await invoker.invokeAsynchronously(
                try function(), qualifier: publishedVersion, payload: payload.bytes())
        }
    }

    /// Has an event delivered at a moment, or up to a minute later; at once when the moment has come. One request, two
    /// when there is a schedule of this key already: that one is replaced.
    /// - Parameters:
    ///   - key: What is to be woken, and why: the same key means the same schedule.
    ///   - moment: When.
    ///   - payload: JSON of up to 256 KiB.
    ///   - target: As in ``invokeAsynchronously(_:target:)``. The ARN of an alias has the version run that the alias points
    ///     to on that day.
    @discardableResult
    package func schedule(_ key: String, at moment: UTCTime, payload: JSONValue, target: String? = nil)
        async throws(AWSError) -> Wake
    {
        let schedule = try newSchedule(key, at: moment, payload: payload, target: target)
        guard moment > now() else {
            try await invokeAsynchronously(payload, target: target)
            return .invoked
        }
        do throws(AWSError) {
            if try await scheduler.create(schedule) { return .scheduled }
            if try await scheduler.update(schedule) { return .rescheduled }
            // It has fired and is gone since.
            _ = try await scheduler.create(schedule)
            return .scheduled
        } catch  where error.code == .refused && moment <= now() {
            // The moment came while the request was on its way.
            try await invokeAsynchronously(payload, target: target)
            return .invoked
        }
    }

    /// Deletes the schedule of a key; false when there is none, as after it has fired. One request.
    @discardableResult
    package func cancelSchedule(_ key: String) async throws(AWSError) -> Bool {
        try await scheduler.delete(try name(for: key), group: group)
    }

    private func newSchedule(_ key: String, at moment: UTCTime, payload: JSONValue, target: String?)
        throws(AWSError) -> OneTimeSchedule
    {
        guard let role = environment("PERDURE_SCHEDULER_ROLE") else {
            throw AWSError(
                .invalidConfiguration, at: "Scheduler.CreateSchedule",
                "PERDURE_SCHEDULER_ROLE is not set: the ARN of a role that scheduler.amazonaws.com may assume and that may "
                    + "invoke this function")
        }
        let function = if let target { target } else { try arn(accountOf: role) }
        return OneTimeSchedule(
            name: try name(for: key), group: group, moment: moment, target: function, role: role,
            input: payload.description)
    }

    /// The functions of a group do not share schedules.
    private func name(for key: String) throws(AWSError) -> String {
        OneTimeSchedule.name(for: "\(try function())\n\(key)")
    }

    private var group: String { environment("PERDURE_SCHEDULE_GROUP") ?? "default" }

    private func function() throws(AWSError) -> String {
        guard let name = environment("AWS_LAMBDA_FUNCTION_NAME") else {
            throw AWSError(
                .invalidConfiguration, at: "Lambda.Invoke",
                "AWS_LAMBDA_FUNCTION_NAME is not set: only a function in Lambda can be woken")
        }
        return name
    }

    private var publishedVersion: String? {
        environment("AWS_LAMBDA_FUNCTION_VERSION").flatMap { $0 == "$LATEST" ? nil : $0 }
    }

    /// This function's ARN: `arn:partition:iam::account:role/…` of the role has all of it that the environment has not.
    private func arn(accountOf role: String) throws(AWSError) -> String {
        let parts = role.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 6, parts[0] == "arn", parts[2] == "iam", let region = environment("AWS_REGION") else {
            throw AWSError(
                .invalidConfiguration, at: "Scheduler.CreateSchedule",
                "PERDURE_SCHEDULER_ROLE is no ARN of a role, or AWS_REGION is not set")
        }
        return "arn:\(parts[1]):lambda:\(region):\(parts[4]):function:\(try function())"
            + (publishedVersion.map { ":\($0)" } ?? "")
    }
}
