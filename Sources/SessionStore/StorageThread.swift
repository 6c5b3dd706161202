// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch

/// Runs an actor outside of Swift's shared threads, one call at a time, for calls that block in the kernel.
///
/// A read on a `hard` NFS mount waits for as long as the server is away. On Swift's shared threads it would hold up
/// everything else in the process; here it holds up one actor. Give each actor that calls a ``SessionStore`` one of
/// these as its `unownedExecutor`.
public final class StorageThread: SerialExecutor {
    private let queue = DispatchQueue(label: "perdure.storage")

    /// Creates an executor. The thread is taken when there is work, and given back after it.
    public init() {}

    /// Runs a job behind those before it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
