// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The sandboxes of one function and the requests that wait for one.
struct SandboxPool {
    /// What a request for a sandbox gets.
    enum Grant {
        case sandbox(Sandbox)
        case throttled
        case abandoned
        case failed(EmulatorError)
    }

    /// A request that waits.
    struct Waiting {
        var tenantID: String?
        var continuation: CheckedContinuation<Grant, Never>
    }

    let function: FunctionConfiguration
    /// Those that count against the concurrency, by number.
    var live: Set<Int> = []
    /// The last one used is last; one that can take several invocations is there several times.
    var idle: [Sandbox] = []
    /// First come, first served.
    private var waiting: [Waiting] = []

    init(function: FunctionConfiguration) {
        self.function = function
    }

    var hasRoom: Bool { live.count < function.maximumConcurrency }

    var waitingCount: Int { waiting.count }

    /// The idle sandbox that this tenant's request gets.
    mutating func takeIdle(of tenantID: String?) -> Sandbox? {
        idle.lastIndex { $0.tenantID == tenantID }.map { idle.remove(at: $0) }
    }

    /// Adds a request to the end of the queue.
    mutating func wait(_ continuation: CheckedContinuation<Grant, Never>, tenantID: String?) {
        waiting.append(Waiting(tenantID: tenantID, continuation: continuation))
    }

    /// The request that waits longest.
    mutating func firstWaiting() -> Waiting? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// The request of this tenant that waits longest.
    mutating func firstWaiting(of tenantID: String?) -> CheckedContinuation<Grant, Never>? {
        waiting.firstIndex { $0.tenantID == tenantID }.map { waiting.remove(at: $0).continuation }
    }

    mutating func failWaiting() {
        for request in waiting { request.continuation.resume(returning: .abandoned) }
        waiting = []
    }
}
