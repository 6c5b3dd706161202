// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP

/// Has Lambda run a function later, without waiting for its answer.
package struct LambdaInvoker: Sendable {
    /// Lambda's quota for the payload of an asynchronous invocation, in bytes.
    package static let maximumPayload = 1_048_576

    private let service: AWSService

    /// Makes a client; nothing is connected before the first call.
    /// - Parameter environment: Where region, credentials and endpoint are looked up, at each call.
    package init(environment: @escaping Environment, limits: CallLimits = CallLimits()) {
        service = AWSService("lambda", environment: environment, limits: limits)
    }

    /// Hands Lambda an event, and returns the id of the request as soon as Lambda has it (202).
    ///
    /// The function may get it more than once: Lambda delivers at least once, and a call whose answer was lost is repeated.
    /// - Parameters:
    ///   - function: A name or an ARN, each with or without `:qualifier`.
    ///   - qualifier: A version or an alias; nil for the one in the name, or else `$LATEST`.
    ///   - payload: JSON of up to 1 MiB.
    ///   - traceHeader: The trace header of the current invocation, to go on with its trace. It also counts for Lambda's
    ///     detection of recursive loops, which ends a chain after 16 invocations unless `RecursiveLoop` is `Allow`.
    /// - Throws: ``AWSError``; `accessDenied` when the role lacks `lambda:InvokeFunction`.
    @discardableResult
    package func invokeAsynchronously(
        _ function: String, qualifier: String? = nil, payload: [UInt8], traceHeader: String? = nil
    ) async throws(AWSError) -> String? {
        guard payload.count <= Self.maximumPayload else {
            throw AWSError(
                .tooLarge, at: "Lambda.Invoke",
                "an asynchronous invocation takes \(Self.maximumPayload) bytes, this one has \(payload.count)")
        }
        var headers: HTTPFields = ["Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"]
        headers["X-Amzn-Trace-Id"] = traceHeader
        let response = try await service.send(
            AWSCall(
                operation: "Lambda.Invoke", permission: "lambda:InvokeFunction", subject: function, method: .post,
                path: ["2015-03-31", "functions", function, "invocations"],
                query: qualifier.map { [(name: "Qualifier", value: $0)] } ?? [], headers: headers, body: payload))
        return response.fields["X-Amzn-RequestId"]
    }
}
