// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

extension InvocationContext {
    /// Does some work after the response has been sent and before the next invocation is asked for.
    ///
    /// The caller does not wait for it, the function's bill and time-out do: it has to end before the
    /// ``deadline``, else the service ends the sandbox. Pieces of work run one after the other; their task is cancelled
    /// when the sandbox ends. What is added after the last of them has ended does not run.
    public func afterResponse(_ work: @escaping @Sendable () async -> Void) {
        later.work.withLock { $0.append(work) }
    }

    func runAfterResponse() async {
        while let work = later.next() {
            await Self.$current.withValue(self) { await work() }
        }
    }
}

/// What one invocation has left to do.
final class LaterWork: Sendable {
    fileprivate let work = Mutex<[@Sendable () async -> Void]>([])

    fileprivate func next() -> (@Sendable () async -> Void)? {
        work.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
