// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOHTTP1

/// The Invoke API, and the way to that of schedules.
extension LambdaEmulator {
    func serve(_ request: HTTPRequest) async -> HTTPResponse {
        if case .starting = stage { await withCheckedContinuation { waitingForStart.append($0) } }
        var requestID = UUID().uuidString.lowercased()
        var response: HTTPResponse
        do throws(InvokeAPIError) {
            // Nobody is there to be answered, and half a payload is none.
            guard !request.isTruncated else { throw .invalidContent("The request broke off.") }
            guard !request.isFromWebPage else { throw .fromWebPage }
            requestID = try InvokeAPI.requestID(in: request)
            response =
                Self.isSchedulerRequest(request)
                ? serveScheduler(request) : try await invoke(request, requestID: requestID)
        } catch {
            response = error.response
        }
        response.headers.add(name: "x-amzn-RequestId", value: requestID)
        return response
    }

    private func invoke(_ request: HTTPRequest, requestID: String) async throws(InvokeAPIError) -> HTTPResponse {
        let (operation, name) = try InvokeAPI.target(of: request)
        guard let function = pools[name.name]?.function else {
            throw .notFound(name.arn(region: SandboxEnvironment.defaultRegion))
        }
        let type = try InvokeAPI.type(of: request, operation: operation)
        let invocation = try InvokeAPI.invocation(
            from: request, type: type, requestID: requestID,
            arn: name.arn(region: SandboxEnvironment.region(of: function)), hasTenants: function.isolatesTenants)
        switch type {
        case .dryRun: return HTTPResponse(status: .noContent)
        case .event:
            guard takesCalls else { throw .service("The emulator was shut down.") }
            runInBackground(invocation, of: function)
            return HTTPResponse(status: .accepted)
        case .requestResponse: break
        }
        let answer = await run(invocation, of: function.name, queues: function.whenBusy == .queue)
        switch (answer, operation) {
        case (.refusal(let error), _): throw error
        case (.result(let result), .invoke): return InvokeAPI.response(result, wantsLog: invocation.wantsLog)
        case (.stream(let stream), .invoke):
            let result = await stream.collected(limit: RuntimeAPI.bodyLimit, requestID: requestID)
            return InvokeAPI.response(result, wantsLog: invocation.wantsLog)
        case (.result(let result), .invokeWithResponseStream):
            return InvokeAPI.streamedResponse(result, wantsLog: invocation.wantsLog)
        case (.stream(let stream), .invokeWithResponseStream):
            return InvokeAPI.streamedResponse(stream, wantsLog: invocation.wantsLog)
        }
    }
}
