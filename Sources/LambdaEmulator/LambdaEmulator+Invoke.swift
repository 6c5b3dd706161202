// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOHTTP1

/// The Invoke API.
extension LambdaEmulator {
    func serve(_ request: HTTPRequest) async -> HTTPResponse {
        var requestID = UUID().uuidString.lowercased()
        var response: HTTPResponse
        do throws(InvokeAPIError) {
            requestID = try InvokeAPI.requestID(in: request)
            response = try await invoke(request, requestID: requestID)
        } catch {
            response = error.response
        }
        response.headers.add(name: "x-amzn-RequestId", value: requestID)
        return response
    }

    private func invoke(_ request: HTTPRequest, requestID: String) async throws(InvokeAPIError) -> HTTPResponse {
        let name = try InvokeAPI.functionName(in: request)
        guard let function = pools[name.name]?.function else {
            throw .notFound(name.arn(region: SandboxEnvironment.defaultRegion))
        }
        let type = try InvokeAPI.type(of: request)
        let invocation = try InvokeAPI.invocation(
            from: request, type: type, requestID: requestID,
            arn: name.arn(region: SandboxEnvironment.region(of: function)))
        switch type {
        case .dryRun: return HTTPResponse(status: .noContent)
        case .event:
            guard case .running = stage else { throw .service("The emulator was shut down.") }
            runInBackground(invocation, of: function.name)
            return HTTPResponse(status: .accepted)
        case .requestResponse:
            switch await run(invocation, of: function.name, queues: function.whenBusy == .queue) {
            case .result(let result): return InvokeAPI.response(result, wantsLog: invocation.wantsLog)
            case .refusal(let error): throw error
            }
        }
    }

    private func runInBackground(_ invocation: Invocation, of function: String) {
        backgroundCount += 1
        let number = backgroundCount
        background[number] = Task {
            if case .refusal(let error) = await run(invocation, of: function, queues: true) {
                sink("RequestId: \(invocation.requestID) Error: \(error.message)")
            }
            background[number] = nil
        }
    }
}
