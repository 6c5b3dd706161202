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

    let function: FunctionConfiguration
    /// Those that count against the concurrency, by number.
    var live: Set<Int> = []
    /// The last one used is last.
    var idle: [Sandbox] = []
    /// First come, first served.
    private var waiting: [CheckedContinuation<Grant, Never>] = []

    init(function: FunctionConfiguration) {
        self.function = function
    }

    var hasRoom: Bool { live.count < function.maximumConcurrency }

    var waitingCount: Int { waiting.count }

    mutating func wait(_ continuation: CheckedContinuation<Grant, Never>) {
        waiting.append(continuation)
    }

    mutating func firstWaiting() -> CheckedContinuation<Grant, Never>? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    mutating func failWaiting() {
        for continuation in waiting { continuation.resume(returning: .abandoned) }
        waiting = []
    }
}
