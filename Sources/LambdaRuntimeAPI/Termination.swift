// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPOSIX
import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The end of the sandbox by SIGTERM.
///
/// The service sends it about half a second before it kills, to functions that have an extension. An idle runtime ends
/// at once. One that serves invocations cancels their handlers' tasks and ends when they have answered, or when
/// ``grace`` is over: the files and locks of a process that ends by itself are given back by the system, those of a
/// sandbox that is taken away only after the lease of the file server.
final class Termination: Sendable {
    /// Less than the half second that there is.
    private static let grace = DispatchTimeInterval.milliseconds(400)

    private struct State {
        var isTerminating = false
        var serving = 0
        var loops: [Task<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let served = DispatchSemaphore(value: 0)

    /// Handles the signal from now on, unless the program handles it itself.
    func watch() {
        let descriptor = cposix_watch_termination()
        guard descriptor >= 0 else { return }
        DispatchQueue(label: "perdure.termination").async {
            var byte: UInt8 = 0
            while unsafe read(descriptor, &byte, 1) == -1, errno == EINTR {}
            self.terminate()
        }
    }

    /// Has a loop's task cancelled at the end.
    func add(_ loop: Task<Void, Never>) {
        let isLate = state.withLock { state in
            state.loops.append(loop)
            return state.isTerminating
        }
        if isLate { loop.cancel() }
    }

    /// Whether an invocation may be served; to be followed by ``endServing()`` if so.
    func beginServing() -> Bool {
        state.withLock { state in
            guard !state.isTerminating else { return false }
            state.serving += 1
            return true
        }
    }

    /// Whether another invocation may be waited for.
    func endServing() -> Bool {
        let (goesOn, isLast) = state.withLock { state in
            state.serving -= 1
            return (!state.isTerminating, state.isTerminating && state.serving == 0)
        }
        if isLast { served.signal() }
        return goesOn
    }

    private func terminate() -> Never {
        let (loops, isServing) = state.withLock { state in
            state.isTerminating = true
            return (state.loops, state.serving > 0)
        }
        if isServing {
            for loop in loops { loop.cancel() }
            _ = served.wait(timeout: .now() + Self.grace)
        }
        endProcess(0)
    }
}

/// Ends the process without the libraries' clean-up, which is not safe while other threads use them.
func endProcess(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
}
