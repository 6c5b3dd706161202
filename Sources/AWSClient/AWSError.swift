// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// Why a call to AWS brought no success.
package struct AWSError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure. More may be added.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case invalidConfiguration, unreachable, timedOut, cancelled, accessDenied, invalidSignature
            case expiredCredentials, notFound, conflict, throttled, unavailable, refused, tooLarge, invalidResponse
        }
        private let value: Value

        /// A variable is missing, or holds what cannot be used.
        package static let invalidConfiguration = Code(value: .invalidConfiguration)
        /// The service was not reached, or the connection broke.
        package static let unreachable = Code(value: .unreachable)
        /// There was no answer in time.
        package static let timedOut = Code(value: .timedOut)
        /// The task was cancelled.
        package static let cancelled = Code(value: .cancelled)
        /// The role lacks a permission, which the description names.
        package static let accessDenied = Code(value: .accessDenied)
        /// The credentials are not valid, or the clock is wrong.
        package static let invalidSignature = Code(value: .invalidSignature)
        /// The temporary credentials are no longer valid.
        package static let expiredCredentials = Code(value: .expiredCredentials)
        /// There is no such function, schedule or group of schedules.
        package static let notFound = Code(value: .notFound)
        /// It exists already, or is being changed by somebody else.
        package static let conflict = Code(value: .conflict)
        /// Too many requests, or a quota is used up.
        package static let throttled = Code(value: .throttled)
        /// The service failed.
        package static let unavailable = Code(value: .unavailable)
        /// The service does not take this request, and will not take it later.
        package static let refused = Code(value: .refused)
        /// The payload is larger than the service takes.
        package static let tooLarge = Code(value: .tooLarge)
        /// The answer is not what the protocol says.
        package static let invalidResponse = Code(value: .invalidResponse)

        /// The name of the code.
        package var description: String { value.rawValue }
    }

    /// The kind of failure.
    package let code: Code
    /// The operation that failed, such as `Lambda.Invoke`.
    package let operation: String
    /// What happened and what to do. Never holds payloads, keys or tokens.
    package let detail: String
    /// Whether the same call may succeed later. It has been repeated as often as ``CallLimits`` says.
    package let isRetryable: Bool

    init(_ code: Code, at operation: String, _ detail: String, isRetryable: Bool = false) {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.isRetryable = isRetryable
    }

    init(_ error: HTTPError, at operation: String) {
        let code: Code =
            switch error.code {
            case .cancelled: .cancelled
            case .timedOut: .timedOut
            case .invalidURL, .invalidRequest: .invalidConfiguration
            case .protocolViolation, .responseTooLarge: .invalidResponse
            default: .unreachable
            }
        self.init(code, at: operation, error.description, isRetryable: error.isRetryable)
    }

    /// The operation, the code and the detail.
    package var description: String { "\(operation) failed, \(code): \(detail)" }
}
