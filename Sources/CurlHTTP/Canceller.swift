// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// Calls off transfers of a ``Transfer`` from another thread or task.
///
/// One canceller may serve several requests; once cancelled it stays so.
public final class Canceller: Sendable {
    private struct State {
        var isCancelled = false
        var waiting: [MultiHandle] = []
    }

    private let state = Mutex(State())

    /// Makes a canceller that has not been used.
    public init() {}

    /// Whether ``cancel()`` was called.
    public var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Makes the requests that use this canceller, now and later, fail with `cancelled`. Does not wait for them.
    public func cancel() {
        let waiting = state.withLock { state in
            state.isCancelled = true
            return state.waiting
        }
        for handle in waiting { handle.wakeUp() }
    }

    /// Has the requests that use this canceller and wait for a chunk of their body ask for it again: see
    /// ``HTTPUploadChunk/later``. Is remembered when one is just about to wait.
    public func wakeUp() {
        for handle in state.withLock(\.waiting) { handle.wakeUp() }
    }

    /// Wakes that handle when cancelled, until ``detach(_:)``.
    func attach(_ handle: MultiHandle) {
        state.withLock { $0.waiting.append(handle) }
    }

    func detach(_ handle: MultiHandle) {
        state.withLock { state in
            if let index = state.waiting.firstIndex(where: { $0 === handle }) { state.waiting.remove(at: index) }
        }
    }
}
