// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore
import Synchronization

/// Where credentials come from in a Lambda function.
///
/// 1. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, which Lambda sets when it starts a sandbox and
///    which outlive it. They are read anew for each call, as reading costs nothing.
/// 2. `AWS_CONTAINER_CREDENTIALS_FULL_URI` with `AWS_CONTAINER_AUTHORIZATION_TOKEN`, which functions with SnapStart get
///    instead: a snapshot holds no keys. One request on the loopback interface, and again five minutes before they expire.
final class CredentialSource: Sendable {
    private struct Fetched {
        var credentials: AWSCredentials
        var expiry: UTCTime
    }

    private static let operation = "Credentials"
    /// As AWS's own clients do: a call that begins with credentials should also end with them.
    private static let margin: Int64 = 300

    private let environment: Environment
    private let now: @Sendable () -> UTCTime
    // Never through a proxy: the endpoint is on this machine.
    private let client = HTTPClient()
    private let fetched = Mutex<Fetched?>(nil)

    init(environment: @escaping Environment, now: @escaping @Sendable () -> UTCTime) {
        self.environment = environment
        self.now = now
    }

    /// The credentials to sign a request with.
    func credentials() async throws(AWSError) -> AWSCredentials {
        if let keys { return keys }
        guard let address = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
            throw AWSError(
                .invalidConfiguration, at: Self.operation,
                "there are no credentials; Lambda sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                    + "AWS_CONTAINER_CREDENTIALS_FULL_URI")
        }
        let known = fetched.withLock { $0 }
        if let known, known.expiry.seconds - Self.margin > now().seconds { return known.credentials }
        do {
            let new = try await fetch(from: address)
            fetched.withLock { $0 = new }
            return new.credentials
        } catch {
            if let known, known.expiry > now() { return known.credentials }
            throw error
        }
    }

    /// Has the endpoint asked again; false where there is none, so that the same credentials would come again.
    func forget() -> Bool {
        if keys != nil { return false }
        // Another call may have had them forgotten already.
        fetched.withLock { $0 = nil }
        return true
    }

    private var keys: AWSCredentials? {
        guard let id = environment("AWS_ACCESS_KEY_ID"), let key = environment("AWS_SECRET_ACCESS_KEY") else {
            return nil
        }
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: key, sessionToken: environment("AWS_SESSION_TOKEN"))
    }

    private func fetch(from address: String) async throws(AWSError) -> Fetched {
        guard Self.isTrusted(address) else {
            throw AWSError(
                .invalidConfiguration, at: Self.operation,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine")
        }
        let token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        let request = HTTPRequest(
            method: .get, url: address, headers: token.map { ["Authorization": $0] } ?? [:])
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await client.send(
                request, limits: HTTPLimits(connectTimeout: .seconds(1), timeout: .seconds(2), maximumBodySize: 1 << 20)
            )
        } catch {
            throw AWSError(error, at: Self.operation)
        }
        guard response.status == 200 else {
            throw AWSError(
                .unavailable, at: Self.operation, "status \(response.status) from the endpoint for credentials",
                isRetryable: response.status >= 500)
        }
        guard let body = try? JSONValue(parsing: response.body), let id = body["AccessKeyId"]?.string,
            let key = body["SecretAccessKey"]?.string
        else {
            throw AWSError(.invalidResponse, at: Self.operation, "the endpoint's answer holds no credentials")
        }
        // Without a moment of expiry they are asked for again with the next call.
        let expiry = body["Expiration"]?.string.flatMap { UTCTime(parsing: $0) }
        return Fetched(
            credentials: AWSCredentials(accessKeyID: id, secretAccessKey: key, sessionToken: body["Token"]?.string),
            expiry: expiry ?? now())
    }

    /// The rule of AWS's own clients, so that no variable sends the token in the clear to another machine.
    private static func isTrusted(_ address: String) -> Bool {
        if address.hasPrefix("https://") { return true }
        guard address.hasPrefix("http://") else { return false }
        let host = address.dropFirst(7).prefix { !":/?#".contains($0) }
        return ["localhost", "127.0.0.1", "169.254.170.2", "169.254.170.23"].contains(String(host))
    }
}
