// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import JSONCore

/// Lambda's Runtime API, spoken over one kept-alive connection. Every call blocks the calling thread.
///
/// ```
/// Started ──next()──▶ Invocation ──respond / fail──▶ next() …
///    └──reportInitError()──▶ exit
/// ```
public final class RuntimeClient {
    private let base: String
    let extensionBase: String
    let transfer: Transfer

    /// Connects to nothing yet: the first call does.
    ///
    /// Throws ``RuntimeError/Code/noEndpoint`` when the environment does not name the Runtime API.
    public init(_ environment: RuntimeEnvironment) throws(RuntimeError) {
        guard let endpoint = environment.endpoint else {
            throw RuntimeError(
                .noEndpoint,
                at: "start",
                "AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda, or locally under `perdure dev`"
            )
        }
        base = "http://\(endpoint)/2018-06-01/runtime"
        extensionBase = "http://\(endpoint)/2020-01-01/extension"
        do {
            transfer = try Transfer(options: HTTPOptions(userAgent: "perdure"))
        } catch {
            throw RuntimeError(error, at: "start")
        }
    }

    /// Waits for the next invocation: up to hours, during which the sandbox may be frozen.
    ///
    /// A connection that died meanwhile, or in the middle of the answer, is replaced: the service hands out the same
    /// invocation again. Up to 5 tries, from 0.1 s on, each wait twice the one before.
    public func next() throws(RuntimeError) -> Invocation {
        while true {
            let answer = try perform(HTTPRequest(url: base + "/invocation/next"), at: "next")
            guard answer.status == 200 else { throw refusal(answer, at: "next") }
            guard let id = answer.fields["Lambda-Runtime-Aws-Request-Id"], !id.isEmpty else {
                throw RuntimeError(.badAnswer, at: "next", "the invocation has no request id")
            }
            let slot = AnswerSlot(
                client: self,
                path: "/invocation/\(percentEncoded(id))",
                invocationID: answer.fields["Lambda-Runtime-Invocation-Id"]
            )
            let context: InvocationContext
            do throws(InvocationError) {
                context = try InvocationContext(requestID: id, answer.fields)
            } catch {
                _ = try slot.post("error", headers: error.headers, body: error.body)
                continue
            }
            return Invocation(payload: answer.body, context: context, slot: slot)
        }
    }

    /// Reports that the function could not start. Allowed only before the first ``next()``; exit afterwards.
    public func reportInitError(_ error: InvocationError) throws(RuntimeError) {
        let receipt = try post("/init/error", headers: error.headers, body: error.body)
        guard receipt == .accepted else {
            throw RuntimeError(.stateViolation, at: "init/error", "the service refused the report: \(receipt)")
        }
    }

    /// Says that a snapshot may be taken, and returns in a sandbox that was made of it.
    func waitForRestore() throws(RuntimeError) {
        let answer = try perform(HTTPRequest(url: base + "/restore/next"), at: "restore/next")
        guard answer.status == 200 else { throw refusal(answer, at: "restore/next") }
    }

    /// Reports that the function could not go on after the snapshot; exit afterwards.
    func reportRestoreError(_ error: InvocationError) throws(RuntimeError) {
        try post("/restore/error", headers: error.headers, body: error.body)
    }

    /// Posts once: a POST whose bytes may have arrived is never repeated, one that found nobody listening is.
    @discardableResult
    fileprivate func post(
        _ path: String,
        headers: HTTPFields,
        body: [UInt8],
        from writer: ResponseWriter? = nil
    ) throws(RuntimeError) -> AnswerReceipt {
        var request = HTTPRequest(method: .post, url: base + path, headers: headers, body: body)
        // The service expects the connection of a streamed response to end with it.
        request.closesConnection = writer != nil
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        let call = String(path[slash...].dropFirst())
        let answer = try perform(request, from: writer, at: call)
        switch answer.status {
        case 202:
            return .accepted
        case 400 where errorType(answer) == "InvalidFunctionResponseMode":
            // The service neither takes another answer to this invocation nor hands out the next one.
            throw refusal(answer, at: call)
        case 400, 403, 410, 413:
            return .refused(status: answer.status, errorType: errorType(answer))
        default:
            throw refusal(answer, at: call)
        }
    }

    private static let maximumTries = 5

    func perform(
        _ request: HTTPRequest,
        from writer: ResponseWriter? = nil,
        at call: String
    ) throws(RuntimeError) -> HTTPResponse {
        let limits = HTTPLimits(maximumBodySize: 64 << 20)
        var request = request
        var wait = Duration.milliseconds(100)
        var tries = 0
        while true {
            do {
                guard let writer else { return try transfer.perform(request, limits: limits) }
                // Nothing is taken from the writer before bytes were sent.
                return try transfer.perform(
                    request, limits: limits, canceller: writer.canceller, nextChunk: writer.nextChunk)
            } catch {
                tries += 1
                let isHarmless = request.method == .get || !error.requestWasSent
                guard error.isRetryable, isHarmless, tries < Self.maximumTries else {
                    throw RuntimeError(error, at: call)
                }
                request.opensNewConnection = true
                sleep(wait)
                wait *= 2
            }
        }
    }

    private func refusal(_ answer: HTTPResponse, at call: String) -> RuntimeError {
        let code: RuntimeError.Code =
            switch answer.status {
            case 500: .containerError
            case 403: .stateViolation
            default: .badAnswer
            }
        return RuntimeError(code, at: call, "status \(answer.status) \(errorType(answer))")
    }

    private func errorType(_ answer: HTTPResponse) -> String {
        (try? JSONValue(parsing: answer.body))?["errorType"]?.string ?? ""
    }
}

/// The place where one invocation's answer goes.
final class AnswerSlot {
    private let client: RuntimeClient
    private let path: String
    private let invocationID: String?
    private(set) var isAnswered = false

    init(client: RuntimeClient, path: String, invocationID: String?) {
        self.client = client
        self.path = path
        self.invocationID = invocationID
    }

    func post(
        _ kind: String,
        headers: HTTPFields,
        body: [UInt8],
        from writer: ResponseWriter? = nil
    ) throws(RuntimeError) -> AnswerReceipt {
        isAnswered = true
        var headers = headers
        // The nonce of this attempt: request ids repeat, this does not. Echoed only where it was given.
        if let invocationID { headers.append(name: "Lambda-Runtime-Invocation-Id", value: invocationID) }
        return try client.post("\(path)/\(kind)", headers: headers, body: body, from: writer)
    }
}

/// A request id is not always a UUID: everything but RFC 3986's unreserved characters is encoded.
private func percentEncoded(_ id: String) -> String {
    // As good as always.
    if id.utf8.allSatisfy(\.isUnreserved) { return id }
    var encoded = ""
    for byte in id.utf8 {
        if byte.isUnreserved {
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
    }
    return encoded
}

extension UInt8 {
    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
