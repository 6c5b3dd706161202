// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import NIOCore
import NIOHTTP1

/// A refusal of the scheduler's API, in EventBridge Scheduler's words where they are known.
struct SchedulerAPIError: Error, Equatable {
    var status: HTTPResponseStatus
    var type: String
    var message: String

    static let unknownOperation = SchedulerAPIError(
        status: .notFound, type: "UnknownOperationException", message: "This emulator does not have this operation.")

    static func validation(_ message: String) -> SchedulerAPIError {
        SchedulerAPIError(status: .badRequest, type: "ValidationException", message: message)
    }

    static func notFound(schedule name: String) -> SchedulerAPIError {
        SchedulerAPIError(
            status: .notFound, type: "ResourceNotFoundException", message: "Schedule \(name) does not exist.")
    }

    static func notFound(group name: String) -> SchedulerAPIError {
        SchedulerAPIError(
            status: .notFound, type: "ResourceNotFoundException", message: "Schedule group \(name) does not exist.")
    }

    static func exists(_ name: String) -> SchedulerAPIError {
        SchedulerAPIError(status: .conflict, type: "ConflictException", message: "Schedule \(name) already exists.")
    }

    var response: HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "application/json", "x-amzn-ErrorType": type],
            body: EmulatorJSON.object(["Message": message]))
    }
}
