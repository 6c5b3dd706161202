// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

/// One-time schedules of EventBridge Scheduler.
///
/// A schedule fires at least once: what it wakes has to bear a second time.
package struct Scheduler: Sendable {
    private let service: AWSService

    /// Makes a client; nothing is connected before the first call.
    /// - Parameter environment: Where region, credentials and endpoint are looked up, at each call.
    package init(environment: @escaping Environment, limits: CallLimits = CallLimits()) {
        service = AWSService("scheduler", environment: environment, limits: limits)
    }

    /// Creates a schedule; false when there is one of that name already, which stays as it is.
    ///
    /// Its moment is to be in the future: what AWS does with one that has passed is not documented.
    /// - Throws: ``AWSError``; `accessDenied` when the role lacks `scheduler:CreateSchedule`, or `iam:PassRole` for the
    ///   schedule's role; `notFound` when there is no such group.
    package func create(_ schedule: OneTimeSchedule) async throws(AWSError) -> Bool {
        do throws(AWSError) {
            _ = try await send(
                .post, "CreateSchedule", schedule.name, body: schedule.body(token: Self.newToken()).bytes())
            return true
        } catch  where error.code == .conflict {
            return false
        }
    }

    /// Replaces a schedule by one of the same name and group; false when there is none.
    package func update(_ schedule: OneTimeSchedule) async throws(AWSError) -> Bool {
        do throws(AWSError) {
            _ = try await send(
                .put, "UpdateSchedule", schedule.name, body: schedule.body(token: Self.newToken()).bytes())
            return true
        } catch  where error.code == .notFound {
            return false
        }
    }

    /// Deletes a schedule; false when there is none. It may fire once more if it was about to.
    package func delete(_ name: String, group: String = "default") async throws(AWSError) -> Bool {
        do throws(AWSError) {
            _ = try await send(
                .delete, "DeleteSchedule", name,
                query: [(name: "groupName", value: group), (name: "clientToken", value: Self.newToken())])
            return true
        } catch  where error.code == .notFound {
            return false
        }
    }

    /// The schedule of that name, nil when there is none.
    /// - Throws: ``AWSError``; `invalidResponse` for a schedule of another kind than these.
    package func schedule(_ name: String, group: String = "default") async throws(AWSError) -> OneTimeSchedule? {
        do throws(AWSError) {
            let response = try await send(.get, "GetSchedule", name, query: [(name: "groupName", value: group)])
            guard let body = try? JSONValue(parsing: response.body), let schedule = OneTimeSchedule(body) else {
                throw AWSError(.invalidResponse, at: "Scheduler.GetSchedule", "\(name) is no one-time schedule")
            }
            return schedule
        } catch  where error.code == .notFound {
            return nil
        }
    }

    private func send(
        _ method: HTTPMethod, _ operation: String, _ name: String, query: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) async throws(AWSError) -> HTTPResponse {
        try await service.send(
            AWSCall(
                operation: "Scheduler.\(operation)", permission: "scheduler:\(operation)", subject: name,
                method: method, path: ["schedules", name], query: query,
                headers: body.isEmpty ? [:] : ["Content-Type": "application/json"], body: body))
    }

    /// A token for one call and its repetitions. Not derived from what is sent: within the hours for which AWS remembers a
    /// token, a schedule that was deleted and is wanted again would not be created.
    private static func newToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }
}
