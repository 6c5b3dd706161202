// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CurlHTTP
import Dispatch

/// An extension in the runtime's own process that wants no events. The service sends SIGTERM before it kills a sandbox
/// only where an extension is registered.
enum InternalExtension {
    /// Shown in the service's logs.
    private static let name = "perdure"

    /// Registers the extension, and waits on a thread and a connection of its own for an event that never comes: without
    /// that request the service considers the start as not complete.
    ///
    /// To be called before the first `/next`. Where there are no extensions, nothing happens.
    static func start(_ client: RuntimeClient, _ environment: RuntimeEnvironment) {
        guard let identifier = client.registerExtension(named: name) else { return }
        DispatchQueue(label: "perdure.extension").async {
            // Without this connection there is no signal, and that is all: the runtime goes on.
            try? RuntimeClient(environment).waitForEvent(of: identifier)
        }
    }
}

extension RuntimeClient {
    /// The extension's identifier; nil where the service, or an emulator, takes none.
    func registerExtension(named name: String) -> String? {
        let request = HTTPRequest(
            method: .post,
            url: extensionBase + "/register",
            headers: ["Lambda-Extension-Name": name, "Content-Type": "application/json"],
            body: Array(#"{"events":[]}"#.utf8)
        )
        // An emulator that does not answer must not keep the function from starting.
        let limits = HTTPLimits(timeout: .seconds(2))
        guard let answer = try? transfer.perform(request, limits: limits), answer.status == 200 else { return nil }
        return answer.fields["Lambda-Extension-Identifier"]
    }

    /// Blocks for the life of the sandbox.
    func waitForEvent(of identifier: String) throws(RuntimeError) {
        let headers: HTTPFields = ["Lambda-Extension-Identifier": identifier]
        _ = try perform(HTTPRequest(url: extensionBase + "/event/next", headers: headers), at: "event/next")
    }
}
