// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Why the emulator could not be started.
///
/// What goes wrong inside an invocation is never thrown: it is the answer of the Invoke API, as in Lambda.
public struct EmulatorError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was. More codes may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case invalidConfiguration, cannotListen, cannotSpawn, wrongState
        }
        private let value: Value

        /// A function's configuration cannot work; the cause says which part.
        public static let invalidConfiguration = Code(value: .invalidConfiguration)
        /// The address could not be bound.
        public static let cannotListen = Code(value: .cannotListen)
        /// A child process could not be started.
        public static let cannotSpawn = Code(value: .cannotSpawn)
        /// Started twice, or started after a shutdown.
        public static let wrongState = Code(value: .wrongState)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// What kind of failure it was.
    public let code: Code
    /// The call that failed, e.g. `posix_spawn`.
    public let call: String
    /// What the system said.
    public let cause: String
    /// Whether the same call may succeed later with nothing changed.
    public let isRetryable: Bool

    init(_ code: Code, call: String, cause: String, isRetryable: Bool = false) {
        self.code = code
        self.call = call
        self.cause = cause
        self.isRetryable = isRetryable
    }

    /// The code, the call and the cause in one line.
    public var description: String { "\(code): \(call): \(cause)" }
}
