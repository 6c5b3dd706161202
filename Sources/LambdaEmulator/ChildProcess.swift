// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How a process ended; written as Lambda does in its messages.
enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32, coreDumped: Bool)

    init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal, coreDumped: status & 0x80 != 0)
    }

    var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let signal, let coreDumped):
            "signal: \(strsignal(signal).map { String(cString: $0).lowercased() } ?? "\(signal)")"
                + (coreDumped ? " (core dumped)" : "")
        }
    }
}

/// A child process that leads its own process group. Signals go to the whole group, which dies with its leader.
final class ChildProcess: Sendable {
    private struct State {
        var isReaped = false
        var status: ExitStatus?
        var waiters: [CheckedContinuation<ExitStatus, Never>] = []
    }

    let pid: pid_t
    private let state = Mutex(State())

    /// Takes charge of the child `pid`: nobody else may wait for it.
    init(leader pid: pid_t) {
        self.pid = pid
        // One thread per sandbox: waitpid is the one way to wait for a child that every system has.
        let thread = Thread { self.waitAndReap() }
        thread.name = "child \(pid)"
        thread.stackSize = 128 * 1024
        thread.start()
    }

    /// Whether the leader has ended, even when it has not been reaped yet.
    var hasExited: Bool {
        state.withLock { state in
            if state.isReaped { return true }
            var info = siginfo_t()
            // WNOWAIT leaves the child to the reaper. When it has not ended, waitid succeeds and si_signo is 0.
            return waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo != 0
        }
    }

    /// Sends a signal to the group. After the end it does nothing: the number may be somebody else's by then.
    func signal(_ signal: Int32) {
        // The lock keeps the number from being freed by the reaper between the check and the kill, which do not block.
        state.withLock { if !$0.isReaped { _ = kill(-pid, signal) } }
    }

    /// Sends a signal to the leader only; as `signal(_:)` otherwise.
    func signalLeader(_ signal: Int32) {
        state.withLock { if !$0.isReaped { _ = kill(pid, signal) } }
    }

    /// Waits for the end of the leader.
    func exit() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiters.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    private func waitAndReap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        // The leader is a zombie that keeps the group's number: what it left behind goes now, then the number is freed.
        let (status, waiters) = state.withLock { state in
            _ = kill(-pid, SIGKILL)
            var code: Int32 = 0
            while waitpid(pid, &code, 0) == -1, errno == EINTR {}
            let status = ExitStatus(waitStatus: code)
            state.isReaped = true
            state.status = status
            defer { state.waiters = [] }
            return (status, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: status) }
    }

    /// The largest resident size the leader has had, in MB rounded up; nil when it has ended, and where there is no
    /// `/proc`.
    var maxMemory: Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return (kilobytes + 1023) / 1024
    }
}
