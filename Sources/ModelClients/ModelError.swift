// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// Why a model did not answer.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure. More may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case invalidConfiguration, unreachable, timedOut, cancelled, rejected, refused, rateLimited, unavailable
            case invalidResponse
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// The settings of the client are not usable.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The server was not reached, or the connection broke.
        public static let unreachable = Code(.unreachable)
        /// The server was silent for too long.
        public static let timedOut = Code(.timedOut)
        /// The task was cancelled.
        public static let cancelled = Code(.cancelled)
        /// The server refused this conversation, which is too long for it or not to its liking (400, 413, 422): the same
        /// one will be refused again, and so will one that goes on from it.
        public static let refused = Code(.refused)
        /// The server refused the request for another reason, such as the key or the model's name.
        public static let rejected = Code(.rejected)
        /// Too many requests; see ``ModelError/retryAfter``.
        public static let rateLimited = Code(.rateLimited)
        /// The server failed.
        public static let unavailable = Code(.unavailable)
        /// The server's answer is not what the protocol says.
        public static let invalidResponse = Code(.invalidResponse)

        /// The name of the code.
        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// What happened. Never holds texts of the conversation or the key.
    public let detail: String
    /// Whether the same request may succeed later.
    public let isRetryable: Bool
    /// When to try again, where the server said so.
    public let retryAfter: Duration?

    /// Creates an error, for clients of other providers.
    public init(_ code: Code, _ detail: String, isRetryable: Bool = false, retryAfter: Duration? = nil) {
        self.code = code
        self.detail = detail
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    init(_ error: HTTPError) {
        let code: Code =
            switch error.code {
            case .cancelled: .cancelled
            case .timedOut: .timedOut
            case .invalidURL, .invalidRequest: .invalidConfiguration
            case .protocolViolation, .responseTooLarge: .invalidResponse
            default: .unreachable
            }
        self.init(code, error.description, isRetryable: error.isRetryable)
    }

    /// The code and the detail.
    public var description: String { "the model failed, \(code): \(detail)" }
}
