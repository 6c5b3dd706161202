// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore
import NIOHTTP1

/// The Extensions API of one sandbox, for extensions inside the runtime's process.
extension Sandbox {
    func registerExtension(_ request: HTTPRequest) throws(RuntimeAPIError) -> HTTPResponse {
        let identifier = try extensions.register(
            name: request.headers.first(name: "Lambda-Extension-Name"), body: request.body)
        var body = EmulatorJSON.object([
            "functionName": function.name, "functionVersion": "$LATEST", "handler": function.handler,
        ])
        body.writeString("\n")
        return HTTPResponse(
            status: .ok, headers: ["Content-Type": "application/json", "Lambda-Extension-Identifier": identifier],
            body: body)
    }

    /// Waits for an INVOKE event; for ever, if the extension did not ask for any.
    func nextEvent(_ request: HTTPRequest) async throws(RuntimeAPIError) -> HTTPResponse {
        let identifier = try extensions.poll(request.headers.first(name: "Lambda-Extension-Identifier"))
        let (poll, responses) = newPoll()
        eventPolls.updateValue(poll, forKey: identifier)?.response.finish()
        // The end may have finished all polls already.
        if isConcluded { poll.response.finish() }
        await settle()
        for await response in responses { return response }
        if eventPolls[identifier]?.number == poll.number { eventPolls[identifier] = nil }
        throw .extensionError("InvalidExtensionState", "The sandbox has ended, or there is a later request")
    }

    func tellExtensions(of job: Job) {
        for identifier in extensions.beginInvocation() {
            let event = HTTPResponse(
                status: .ok,
                headers: [
                    "Content-Type": "application/json",
                    "Lambda-Extension-Event-Identifier": UUID().uuidString.lowercased(),
                ], body: EmulatorJSON.invokeEvent(job.invocation, deadline: job.deadline))
            eventPolls.removeValue(forKey: identifier)?.response.yield(event)
        }
    }
}
