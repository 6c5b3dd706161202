// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure
import Synchronization

/// Tells when the model is asked, and when its answer is there.
final class WatchedModel: LanguageModel {
    private let model: OpenAICompatibleModel
    private let boundary: Boundary
    private let calls = Atomic(0)

    init(model: OpenAICompatibleModel, boundary: Boundary) {
        self.model = model
        self.boundary = boundary
    }

    func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        let number = calls.add(1, ordering: .relaxed).newValue
        await boundary.reached("ask", number)
        try Task.checkCancellation()
        let reply: ModelReply
        if boundary.isAbout("sent", number) {
            // What cancelling does not end.
            let model = model
            reply = try await Task { try await model.reply(to: request) { _ in } }.value
        } else {
            reply = try await model.reply(to: request, onText: onText)
        }
        await boundary.reached("answered", number)
        return reply
    }
}
