// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

extension LambdaRuntime {
    /// Work around the snapshot that SnapStart takes of a sandbox that has started.
    public typealias SnapshotHook = @Sendable () async throws -> Void

    /// Does something before a snapshot is taken: closes connections and files, gives back locks.
    ///
    /// To be called while the function starts. Hooks run in the reverse order of their registration, and not at all
    /// without SnapStart. One that throws is reported as an init error of the type `Runtime.BeforeSnapshotError`.
    public static func beforeSnapshot(_ hook: @escaping SnapshotHook) {
        hooks.withLock { $0.beforeSnapshot.insert(hook, at: 0) }
    }

    /// Does something in each sandbox that is made of a snapshot, before its first invocation: opens what was closed,
    /// and makes anew what must differ between sandboxes (ids, seeds of random generators, credentials).
    ///
    /// To be called while the function starts. Hooks run in the order of their registration, and not at all without
    /// SnapStart. One that throws is reported with the type `Runtime.AfterRestoreError`, and the sandbox ends. Swift's
    /// `SystemRandomNumberGenerator` needs no seed; the random numbers of TLS are seeded anew by the runtime.
    public static func afterRestore(_ hook: @escaping SnapshotHook) {
        hooks.withLock { $0.afterRestore.append(hook) }
    }

    private struct Hooks {
        var beforeSnapshot: [SnapshotHook] = []
        var afterRestore: [SnapshotHook] = []
    }

    private static let hooks = Mutex(Hooks())

    static func runBeforeSnapshot() async throws {
        for hook in hooks.withLock(\.beforeSnapshot) { try await hook() }
    }

    static func runAfterRestore() async throws {
        for hook in hooks.withLock(\.afterRestore) { try await hook() }
    }
}
