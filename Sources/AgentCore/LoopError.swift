// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the loop refuses.
public struct LoopError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reasons.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case brokenLog, unexpectedEvent, noSuchApproval, badDecision, nothingToResume }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// An entry cannot follow the ones before it: the log was not written by this loop, or is damaged.
        public static let brokenLog = Code(.brokenLog)
        /// The event cannot happen now, such as a result for a call that is not running.
        public static let unexpectedEvent = Code(.unexpectedEvent)
        /// A decision names a call that does not wait for one.
        public static let noSuchApproval = Code(.noSuchApproval)
        /// A decision's arguments do not fit the tool.
        public static let badDecision = Code(.badDecision)
        /// There is no turn that could go on.
        public static let nothingToResume = Code(.nothingToResume)

        /// The name of the code.
        public var description: String { value.rawValue }
    }

    /// The reason.
    public let code: Code
    /// What exactly was wrong. Never holds texts of the conversation.
    public let detail: String

    /// The code and the detail.
    public var description: String { "\(code): \(detail)" }
}
