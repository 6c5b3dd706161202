// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// The requests and responses of Invoke, 2015-03-31, and of InvokeWithResponseStream, 2021-11-15, as values.
///
/// Signatures are not checked: any credentials do.
enum InvokeAPI {
    /// Lambda's quota for a request of a synchronous invocation.
    static let bodyLimit = 6_291_456
    /// Lambda's quota for an asynchronous one.
    static let eventBodyLimit = 1_048_576
    /// Lambda API reference: "Up to 3,583 bytes of base64-encoded data".
    static let clientContextLimit = 3_583

    enum InvocationType: String {
        case requestResponse = "RequestResponse"
        case event = "Event"
        case dryRun = "DryRun"
    }

    enum Operation {
        case invoke
        case invokeWithResponseStream
    }

    /// What a request is for, and for which function.
    static func target(of request: HTTPRequest) throws(InvokeAPIError) -> (Operation, FunctionName) {
        guard request.method == .POST, let path = request.path, path.count == 4, path[1] == "functions" else {
            throw .unknownOperation
        }
        let operation: Operation
        switch (path[0], path[3]) {
        case ("2015-03-31", "invocations"): operation = .invoke
        case ("2021-11-15", "response-streaming-invocations"): operation = .invokeWithResponseStream
        default: throw .unknownOperation
        }
        guard var name = FunctionName(path[2]) else { throw .validation("functionName") }
        if let qualifier = request.query["Qualifier"] {
            guard FunctionName.isQualifier(qualifier) else { throw .validation("qualifier") }
            guard name.qualifier == nil || name.qualifier == qualifier else {
                throw .invalidParameter(
                    "The derived qualifier from the function name does not match the specified qualifier.")
            }
            name.qualifier = qualifier
        }
        return (operation, name)
    }

    static func type(of request: HTTPRequest, operation: Operation) throws(InvokeAPIError) -> InvocationType {
        guard let text = request.headers.first(name: "X-Amz-Invocation-Type") else { return .requestResponse }
        guard let type = InvocationType(rawValue: text), type != .event || operation == .invoke else {
            throw .validation("invocationType")
        }
        return type
    }

    /// The request id that the caller chose (`X-Perdure-Request-Id`: 1 to 256 visible ASCII characters), or a new one.
    static func requestID(in request: HTTPRequest) throws(InvokeAPIError) -> String {
        guard let id = request.headers.first(name: "X-Perdure-Request-Id") else {
            return UUID().uuidString.lowercased()
        }
        guard (1...256).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .invalidParameter("X-Perdure-Request-Id is not 1 to 256 visible ASCII characters.")
        }
        return id
    }

    static func invocation(
        from request: HTTPRequest, type: InvocationType, requestID: String, arn: String, hasTenants: Bool
    ) throws(InvokeAPIError) -> Invocation {
        let limit = type == .event ? eventBodyLimit : bodyLimit
        guard !request.isTooLarge, request.body.readableBytes <= limit else { throw .tooLarge(limit: limit) }
        let tenantID = request.headers.first(name: "X-Amz-Tenant-Id")
        guard hasTenants || tenantID == nil else {
            throw .invalidParameter("The invoked function is not enabled with tenancy configuration.")
        }
        guard !hasTenants || tenantID?.isEmpty == false else {
            throw .invalidParameter("The invoked function is enabled with tenancy configuration: name a tenant.")
        }
        let logType = request.headers.first(name: "X-Amz-Log-Type") ?? "None"
        guard logType == "None" || logType == "Tail" else { throw .validation("logType") }
        var payload = request.body
        if payload.readableBytes == 0 {
            payload = ByteBuffer(string: "{}")
        } else if let problem = EmulatorJSON.problem(in: payload) {
            throw .invalidContent("Could not parse request body into json: \(problem)")
        }
        var context: String?
        if let base64 = request.headers.first(name: "X-Amz-Client-Context"), type != .event {
            context = base64.utf8.count <= clientContextLimit ? EmulatorJSON.headerObject(base64: base64) : nil
            guard context != nil else {
                throw .invalidContent("Client context must be a valid Base64-encoded JSON object.")
            }
        }
        return Invocation(
            requestID: requestID, functionARN: arn,
            traceID: request.headers.first(name: "X-Amzn-Trace-Id") ?? newTraceID(), tenantID: tenantID,
            clientContext: context, payload: payload, wantsLog: logType == "Tail" && type == .requestResponse)
    }

    static func response(_ result: InvocationResult, wantsLog: Bool) -> HTTPResponse {
        var headers: HTTPHeaders = [
            "Content-Type": result.contentType, "X-Amz-Executed-Version": "$LATEST",
        ]
        if result.isError { headers.add(name: "X-Amz-Function-Error", value: "Unhandled") }
        if wantsLog { headers.add(name: "X-Amz-Log-Result", value: Data(result.log).base64EncodedString()) }
        return HTTPResponse(status: .ok, headers: headers, body: result.payload)
    }

    /// `Root=1-<seconds>-<24 digits>;Parent=<16 digits>;Sampled=0`, as X-Ray writes it; nothing is sampled here.
    static func newTraceID() -> String {
        func hexadecimal(_ value: UInt64, digits: Int) -> String {
            String(String(value, radix: 16).suffix(digits)).leftPadded(to: digits)
        }
        func random(digits: Int) -> String { hexadecimal(.random(in: .min ... .max), digits: digits) }
        let now = hexadecimal(UInt64(Date.now.timeIntervalSince1970), digits: 8)
        return "Root=1-\(now)-\(random(digits: 12))\(random(digits: 12));Parent=\(random(digits: 16));Sampled=0"
    }
}

extension String {
    fileprivate func leftPadded(to count: Int) -> String {
        String(repeating: "0", count: max(0, count - self.count)) + self
    }
}
