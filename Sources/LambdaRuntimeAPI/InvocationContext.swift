// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What the service says about an invocation besides its payload.
public struct InvocationContext: Sendable {
    /// The request id. It repeats when the service retries, and a caller may choose it.
    public let requestID: String
    /// When the invocation ends.
    public let deadline: Deadline
    /// The function as it was called, with its version or alias.
    public let invokedFunctionARN: String?
    /// The X-Ray trace header.
    public let traceID: String?
    /// What the client said of itself.
    public let clientContext: ClientContext?
    /// The Cognito identity of the caller.
    public let cognitoIdentity: CognitoIdentity?
    /// The tenant, in functions that isolate tenants. Missing and empty are different.
    public let tenantID: String?
    let later = LaterWork()

    /// The time left until the deadline, at least zero.
    public var remainingTime: Duration { deadline.remaining }

    /// Creates a context, for tests of handlers.
    public init(
        requestID: String,
        deadline: Deadline,
        invokedFunctionARN: String? = nil,
        traceID: String? = nil,
        clientContext: ClientContext? = nil,
        cognitoIdentity: CognitoIdentity? = nil,
        tenantID: String? = nil
    ) {
        self.requestID = requestID
        self.deadline = deadline
        self.invokedFunctionARN = invokedFunctionARN
        self.traceID = traceID
        self.clientContext = clientContext
        self.cognitoIdentity = cognitoIdentity
        self.tenantID = tenantID
    }
}
