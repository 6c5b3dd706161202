// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore
import ModelClients
import SessionStore

/// Why an agent did not answer.
public struct AgentError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure. More may be added.
    public struct Code: Sendable, Hashable {
        /// The type that Lambda reports: `Function.` and a word in camel case.
        public let errorType: String
        /// The status of an HTTP answer.
        public let httpStatus: Int
        private init(_ errorType: String, _ httpStatus: Int) {
            self.errorType = errorType
            self.httpStatus = httpStatus
        }

        /// The event is not one that the agent understands.
        public static let invalidEvent = Code("Function.InvalidEvent", 400)
        /// The message is longer than ``AgentRequest/maximumMessageLength``.
        public static let messageTooLarge = Code("Function.MessageTooLarge", 413)
        /// The session id is not accepted.
        public static let invalidSession = Code("Function.InvalidSession", 400)
        /// A decision names a call that does not wait for one.
        public static let noSuchApproval = Code("Function.NoSuchApproval", 409)
        /// The request id was used in this session before, for something else.
        public static let reusedID = Code("Function.ReusedRequestID", 409)
        /// The cursor is not one of that request's events.
        public static let invalidCursor = Code("Function.InvalidCursor", 400)
        /// The session has no request of that id, whose events could be shown.
        public static let noSuchRequest = Code("Function.NoSuchRequest", 404)
        /// The turn whose events were asked for was interrupted or put off, and nobody runs it now. The whole request again goes
        /// on with it.
        public static let turnInterrupted = Code("Function.TurnInterrupted", 409)
        /// Another invocation holds the session until the end of the time there was, or as many sessions are in use as one
        /// process may lease.
        public static let sessionBusy = Code("Function.SessionBusy", 503)
        /// Another invocation took the session over; ask again with the same id.
        public static let sessionTakenOver = Code("Function.SessionTakenOver", 503)
        /// The session's file cannot be read or written.
        public static let storageFailed = Code("Function.StorageFailed", 500)
        /// The model did not answer. Nothing is lost: the same id again goes on from here.
        public static let modelFailed = Code("Function.ModelFailed", 502)
        /// The time was up, or the caller's task was cancelled. Nothing is lost: the same id again goes on from here.
        public static let deadlineExceeded = Code("Function.DeadlineExceeded", 504)
        /// There is no turn that a signal, or a request to call it off, could be for.
        public static let nothingToResume = Code("Function.NothingToResume", 409)
        /// The workflow works on another input of this session, which has to end or to be called off first.
        public static let workflowRunning = Code("Function.WorkflowRunning", 409)
        /// The turn is to go on later, and nobody could be asked to see to it. Nothing is lost: the same id again tries again.
        public static let wakeFailed = Code("Function.WakeFailed", 502)
        /// The agent's definition or the environment is wrong.
        public static let invalidConfiguration = Code("Function.InvalidConfiguration", 500)
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and what to do about it. Never holds texts of a conversation.
    public let detail: String
    /// When to try again, where that is known.
    public let retryAfter: Duration?

    init(_ code: Code, _ detail: String, retryAfter: Duration? = nil) {
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter
    }

    static let reusedID = AgentError(
        .reusedID,
        "the request id was used in this session for something else; a repeated id means the same request again"
    )

    static func invalidEvent(_ reason: String) -> AgentError {
        AgentError(
            .invalidEvent,
            "the event is not understood: \(reason). Expected {\"session\":\"…\",\"message\":\"…\",\"id\":\"…\"}"
        )
    }

    static let workflowRunning = AgentError(
        .workflowRunning,
        "the session works on another input; ask again when that has ended, or call it off"
    )

    static func wakeFailed(_ error: any Error) -> AgentError {
        AgentError(.wakeFailed, "the function could not have itself called again: \(error)")
    }

    /// The end of the time, with nobody to go on.
    static let late = AgentError(
        .deadlineExceeded,
        "the invocation's time was up before the turn ended; the same request id goes on from here"
    )

    static let cancelled = AgentError(
        .deadlineExceeded,
        "the turn was cancelled before it ended; the same request id goes on from here"
    )

    /// Puts an error of the layers below into the caller's terms.
    init(_ error: any Error) {
        switch error {
        case let error as AgentError:
            self = error
        case let error as SessionStoreError:
            self.init(error)
        case let error as LoopError where error.code == .noSuchApproval:
            self.init(.noSuchApproval, error.detail)
        case let error as LoopError where error.code == .nothingToResume:
            self.init(.nothingToResume, error.detail)
        case let error as LoopError where error.code == .badDecision:
            self.init(.invalidEvent, error.detail)
        case let error as LoopError:
            self.init(.storageFailed, "the session's log does not fit the agent: \(error)")
        case is CancellationError:
            self = .cancelled
        case let error as ModelError where error.code == .cancelled:
            self = .cancelled
        case let error as ModelError:
            self.init(.modelFailed, error.description, retryAfter: error.retryAfter)
        default:
            self.init(.modelFailed, "the model failed with \(type(of: error))")
        }
    }

    private init(_ error: SessionStoreError) {
        let code: Code =
            switch error.code {
            case .invalidName: .invalidSession
            case .unusableRoot, .unsafeMount: .invalidConfiguration
            case .noSuchSession: .noSuchApproval
            case .busy, .tooManyLeases, .inboxFull: .sessionBusy
            case .fenced, .alreadyClaimed, .duplicateRequest: .sessionTakenOver
            default: .storageFailed
            }
        self.init(code, error.description, retryAfter: error.retryAfter)
    }

    /// `{"error":{"type":"…","message":"…"}}`, as callers over HTTP and readers of a stream get it, and `"retryAfter"` in
    /// seconds, where that is known.
    var json: JSONValue {
        var error: JSONObject = ["type": .init(code.errorType), "message": .init(detail)]
        if let seconds = retryAfterSeconds { error["retryAfter"] = .init(seconds) }
        return ["error": .object(error)]
    }

    /// When to try again, in whole seconds, at least 1.
    var retryAfterSeconds: Int? { retryAfter.map { max(1, Int($0.components.seconds)) } }

    /// The type and the detail.
    public var description: String { "\(code.errorType): \(detail)" }
}
