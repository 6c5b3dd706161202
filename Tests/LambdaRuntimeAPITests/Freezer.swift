// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if os(Linux)
import Foundation
import Synchronization
import Testing

/// Stops a process as Lambda freezes a sandbox, from whatever thread.
final class Freezer: Sendable {
    private let state = Mutex<(pid: Int32?, isFrozen: Bool)>((nil, false))

    /// The process runs.
    func started(_ pid: Int32) {
        state.withLock { $0.pid = pid }
    }

    /// Blocks until the process has stopped.
    func freeze() {
        waitUntil("the process runs") { state.withLock(\.pid) != nil }
        guard let pid = state.withLock(\.pid) else { return }
        kill(pid, SIGSTOP)
        waitUntil("it is stopped") { Self.state(of: pid) == "T" }
        state.withLock { $0.isFrozen = true }
    }

    /// Lets it go on; and at the end of a test that failed, too.
    func thaw() {
        if let pid = state.withLock(\.pid) { kill(pid, SIGCONT) }
    }

    private var isFrozen: Bool { state.withLock { $0.isFrozen } }

    /// Waits until it is frozen.
    func frozen() async throws {
        let limit = ContinuousClock.now + .seconds(30)
        while !isFrozen, ContinuousClock.now < limit { try await Task.sleep(for: .milliseconds(5)) }
        let isFrozen = isFrozen
        try #require(isFrozen)
    }

    /// The letter that `/proc` has for what a process does, `T` for stopped; nil when it is gone.
    static func state(of pid: Int32) -> Character? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        return text.split(separator: ")").last?.first { $0 != " " }
    }

    private func waitUntil(_ what: String, _ isSo: () -> Bool) {
        let limit = ContinuousClock.now + .seconds(30)
        while !isSo() {
            guard ContinuousClock.now < limit else {
                Issue.record("waited in vain: \(what)")
                return
            }
            usleep(1000)
        }
    }
}
#endif
