// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

/// Looks up a variable of the environment; nil for one that is not set. An empty one counts as not set.
package typealias Environment = @Sendable (_ name: String) -> String?

func ignoringEmptyVariables(_ environment: @escaping Environment) -> Environment {
    { name in environment(name).flatMap { $0.isEmpty ? nil : $0 } }
}

/// One request to AWS, and how to speak of it.
struct AWSCall {
    /// Such as `Lambda.Invoke`.
    var operation: String
    /// The permission that it needs, such as `lambda:InvokeFunction`.
    var permission: String
    /// Of what it speaks: the name of a function or a schedule.
    var subject: String
    var method: HTTPMethod
    var path: [String]
    var query: [(name: String, value: String)] = []
    var headers: HTTPFields = [:]
    var body: [UInt8] = []
}

/// Signed calls to one service of AWS.
struct AWSService: Sendable {
    /// The name in endpoints and signatures.
    let name: String
    let environment: Environment
    let limits: CallLimits
    let credentials: CredentialSource
    let client: HTTPClient
    let now: @Sendable () -> UTCTime

    init(
        _ name: String, environment: @escaping Environment, limits: CallLimits,
        now: @escaping @Sendable () -> UTCTime = UTCTime.now
    ) {
        let environment = ignoringEmptyVariables(environment)
        self.name = name
        self.environment = environment
        self.limits = limits
        self.now = now
        credentials = CredentialSource(environment: environment, now: now)
        client = HTTPClient(options: HTTPOptions(userAgent: "perdure", proxy: .environment))
    }

    /// The region that Lambda runs in.
    func region(for operation: String) throws(AWSError) -> String {
        guard let region = environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION") else {
            throw AWSError(.invalidConfiguration, at: operation, "AWS_REGION is not set")
        }
        // It becomes part of a host's name.
        guard region.utf8.count <= 64, region.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { throw AWSError(.invalidConfiguration, at: operation, "AWS_REGION is no name of a region") }
        return region
    }

    /// Sends a request until it succeeds, is refused, or the limits are reached. Returns answers of 200 to 299 only.
    ///
    /// Signed anew each time. A request whose answer was lost is sent again as well: the service may get it twice.
    func send(_ call: AWSCall) async throws(AWSError) -> HTTPResponse {
        let clock = ContinuousClock()
        let end = clock.now + limits.total
        var attempts = 0
        while true {
            attempts += 1
            do throws(AWSError) {
                return try await attempt(call, timeout: min(limits.attemptTimeout, clock.now.duration(to: end)))
            } catch {
                let hasNewCredentials = error.code == .expiredCredentials && credentials.forget()
                guard error.isRetryable || hasNewCredentials, let delay = limits.delay(after: attempts),
                    clock.now + delay < end
                else { throw error }
                do {
                    try await clock.sleep(for: delay)
                } catch {
                    throw AWSError(.cancelled, at: call.operation, "the task was cancelled")
                }
            }
        }
    }

    private func attempt(_ call: AWSCall, timeout: Duration) async throws(AWSError) -> HTTPResponse {
        let region = try region(for: call.operation)
        let unsigned = RequestSigner.Unsigned(
            method: call.method, endpoint: endpoint(in: region), path: call.path, query: call.query,
            headers: call.headers, body: call.body)
        let credentials = try await credentials.credentials()
        let request = RequestSigner(service: name, region: region).sign(unsigned, with: credentials, at: now())
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await client.send(
                request,
                limits: HTTPLimits(connectTimeout: .seconds(3), timeout: timeout, maximumBodySize: 8 << 20))
        } catch {
            throw AWSError(error, at: call.operation)
        }
        guard (200..<300).contains(response.status) else { throw AWSError(refusal: response, of: call) }
        return response
    }

    /// What `AWS_ENDPOINT_URL_…` of the service or `AWS_ENDPOINT_URL` names, else AWS's own.
    private func endpoint(in region: String) -> String {
        if let other = environment("AWS_ENDPOINT_URL_\(name.uppercased())") ?? environment("AWS_ENDPOINT_URL") {
            return other
        }
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return "https://\(name).\(region).\(domain)"
    }
}
