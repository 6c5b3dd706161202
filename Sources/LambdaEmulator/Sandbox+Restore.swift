// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import NIOHTTP1

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// SnapStart, as far as one process can show it.
extension Sandbox {
    /// `/restore/next`: the process is stopped for a moment where Lambda takes its snapshot, and continued where Lambda
    /// restores one. No copy is made: memory and random numbers are not shared with anyone afterwards, and connections
    /// stay open.
    func restore() async throws(RuntimeAPIError) -> HTTPResponse {
        // Observed on AWS's runtime interface emulator, which has no snapshots: the path does not exist.
        guard function.snapStart else { throw .notFound }
        try state.restore()
        cancelAlarm(.initTimeout)
        extensions.close()
        child?.signal(SIGSTOP)
        try? await Task.sleep(for: Self.snapshotPause, clock: .continuous)
        // An end that has begun meanwhile has its own signals; a continued process does not disturb them.
        child?.signal(SIGCONT)
        guard endCause == nil else { throw .invalidTransition(from: state.phase, to: "Restoring") }
        restored = .now
        setAlarm(.restoreTimeout, after: Self.restoreLimit)
        return HTTPResponse(status: .ok)
    }
}
