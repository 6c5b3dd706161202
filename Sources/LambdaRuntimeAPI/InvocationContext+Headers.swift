// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

extension InvocationContext {
    /// Reads the header fields of `/next`. What is missing is nil; what is malformed is the invocation's error.
    init(requestID: String, _ fields: HTTPFields) throws(InvocationError) {
        guard let deadline = fields["Lambda-Runtime-Deadline-Ms"].flatMap(milliseconds) else {
            throw InvocationError(
                type: "Runtime.InvalidDeadline",
                message: "the deadline of the invocation is not a number of milliseconds"
            )
        }
        self.init(
            requestID: requestID,
            deadline: Deadline(millisecondsSinceEpoch: deadline),
            invokedFunctionARN: fields["Lambda-Runtime-Invoked-Function-Arn"],
            traceID: fields["Lambda-Runtime-Trace-Id"],
            clientContext: try read(
                fields["Lambda-Runtime-Client-Context"], as: "client context", ClientContext.init),
            cognitoIdentity: try read(
                fields["Lambda-Runtime-Cognito-Identity"], as: "Cognito identity", CognitoIdentity.init),
            tenantID: fields["Lambda-Runtime-Aws-Tenant-Id"]
        )
    }
}

/// Reads decimal digits and nothing else; nil also for more than fits.
private func milliseconds(_ text: String) -> Int64? {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    return Int64(text)
}

/// Reads a header that holds a JSON object; an empty one is as none.
private func read<Content>(
    _ text: String?, as name: String, _ parse: (String) -> Content?
) throws(InvocationError) -> Content? {
    guard let text, !text.isEmpty else { return nil }
    guard let content = parse(text) else {
        throw InvocationError(
            type: "Runtime.UnmarshalError", message: "the \(name) of the invocation is not a JSON object")
    }
    return content
}
