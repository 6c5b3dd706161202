// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// Why the runtime cannot go on, or why a ``ResponseWriter`` takes no more.
///
/// When the runtime cannot go on, the process ends with a status that is not zero and the service starts a new sandbox.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure. More may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case noEndpoint, unreachable, containerError, stateViolation, badAnswer
            case responseBegun, responseEnded, responseAbandoned, cancelled
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// `AWS_LAMBDA_RUNTIME_API` is not set, or does not name a host.
        public static let noEndpoint = Code(.noEndpoint)
        /// The Runtime API did not answer.
        public static let unreachable = Code(.unreachable)
        /// The Runtime API answered 500: the sandbox is beyond repair.
        public static let containerError = Code(.containerError)
        /// The Runtime API answered 403: it is not in the state that this runtime believes it to be in.
        public static let stateViolation = Code(.stateViolation)
        /// The Runtime API answered something that its description does not allow.
        public static let badAnswer = Code(.badAnswer)
        /// A prelude was written after the first byte of a response.
        public static let responseBegun = Code(.responseBegun)
        /// Something was written after the end of a response.
        public static let responseEnded = Code(.responseEnded)
        /// The service takes no more of a response: it refused it, or the connection broke.
        public static let responseAbandoned = Code(.responseAbandoned)
        /// The task was cancelled while it waited.
        public static let cancelled = Code(.cancelled)

        /// The name of the code.
        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// The call that failed, such as `next`.
    public let call: String
    /// What happened.
    public let detail: String

    init(_ code: Code, at call: String, _ detail: String) {
        self.code = code
        self.call = call
        self.detail = detail
    }

    init(_ error: HTTPError, at call: String) {
        self.init(error.code == .invalidURL ? .noEndpoint : .unreachable, at: call, error.description)
    }

    /// The code, the call and the detail.
    public var description: String { "\(code) at \(call): \(detail)" }
}
