// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the fault is, and which.
///
/// Boundaries around the model and the tools are reached by code around the agent, and those of the files are a
/// `FaultPlan`: `lock.db:1`, `wal.write:n`, `wal.sync:n`, `unlock.db:1`.
struct Boundary: Sendable {
    enum Fault: String {
        /// SIGKILL before; for operations on files also behind them.
        case kill
        case killAfter = "kill-after"
        /// SIGSTOP; what follows is as if nothing had been.
        case stop
        /// SIGSTOP; meanwhile the lease is lost, and the files give an error from then on, as NFS does.
        case lose
        /// Nothing goes on, and cancelling does not help.
        case hang
        /// Nothing goes on before the task is cancelled, which is what the library does at its cut-off.
        case wait
    }

    private let place: String?
    private let fault: Fault?
    private let operation: FileOperation?
    private let number: Int

    init(at place: String?, fault: String?) throws {
        self.place = place
        self.fault = fault.flatMap(Fault.init)
        let parts = place?.split(separator: ":").map(String.init) ?? []
        operation = parts.first.flatMap { FileOperation(name: $0) }
        number = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
        guard (place == nil) == (self.fault == nil), place == nil || number > 0 else { throw LoopAgent.UsageError() }
    }

    /// Plans the fault if it is one of the files.
    /// - Parameter milliseconds: The time until the deadline.
    func arm(milliseconds: UInt32?) {
        guard let operation, let fault else { return }
        let action: FaultPlan.Action =
            switch fault {
            case .kill: .kill
            case .killAfter: .killAfterwards
            case .stop: .stop
            case .lose: .stopAndFail(EIO)
            case .hang: .delay(milliseconds: 3_600_000)
            // Beyond the cut-off, which is half a second before the deadline.
            case .wait: .delay(milliseconds: (milliseconds ?? 500) - 350)
            }
        FaultPlan(action, at: operation, number: number).set()
        guard fault == .hang else { return }
        // Whoever kills the process at its time-out has to know whether it stood here.
        let wanted = number
        Task.detached {
            while FaultPlan.seen < wanted { try await Task.sleep(for: .milliseconds(2)) }
            say("hit")
        }
    }

    /// Says whether the operation was reached.
    func disarm() {
        guard operation != nil else { return }
        if FaultPlan.seen >= number { say("hit") }
    }

    /// Meets with the fault if this is the place.
    func reached(_ name: String, _ number: Int) async {
        say("event \(name):\(number)")
        guard place == "\(name):\(number)", let fault else { return }
        say("hit")
        if fault == .wait {
            try? await Task.sleep(for: .seconds(3600))
        } else {
            Self.act(fault)
        }
    }

    /// Says if this is the place, where it is another process that stops or kills this one; whether it shall hang there.
    func isAbout(_ name: String, _ number: Int) -> Bool {
        guard place == "\(name):\(number)" else { return false }
        say("hit")
        if fault == .lose { Self.failFiles() }
        return fault == .hang
    }

    private static func act(_ fault: Fault) {
        switch fault {
        case .kill, .killAfter: kill(getpid(), SIGKILL)
        case .stop: raise(SIGSTOP)
        case .lose:
            failFiles()
            raise(SIGSTOP)
        case .hang: while true { sleep(3600) }
        case .wait: break
        }
    }

    private static func failFiles() {
        var plan = FaultPlan(.fail(EIO))
        plan.times = .max
        plan.set()
    }
}
