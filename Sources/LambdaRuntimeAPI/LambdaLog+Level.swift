// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension LambdaLog {
    /// How much a record matters.
    public enum Level: Int, Sendable, Comparable {
        /// The finest detail.
        case trace = 1
        /// For finding mistakes.
        case debug
        /// The normal course of things.
        case info
        /// Something is not as it should be, and was dealt with.
        case warn
        /// Something failed.
        case error
        /// The sandbox cannot go on.
        case fatal

        /// Lambda's name for it: `TRACE` to `FATAL`.
        public var name: String {
            switch self {
            case .trace: "TRACE"
            case .debug: "DEBUG"
            case .info: "INFO"
            case .warn: "WARN"
            case .error: "ERROR"
            case .fatal: "FATAL"
            }
        }

        /// The level of that name, in any case; nil when there is none.
        public init?(name: String) {
            switch name.uppercased() {
            case "TRACE": self = .trace
            case "DEBUG": self = .debug
            case "INFO": self = .info
            case "WARN": self = .warn
            case "ERROR": self = .error
            case "FATAL": self = .fatal
            default: return nil
            }
        }

        /// By weight.
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }
}
