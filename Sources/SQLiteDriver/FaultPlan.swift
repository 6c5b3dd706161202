// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPerdureVFS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Which operation on files fails, and how. For tests of this package; one plan at a time in a process.
package struct FaultPlan: Sendable {
    /// What happens.
    package enum Action: Sendable, Hashable {
        /// The operation fails with that error number.
        case fail(Int32)
        /// The operation begins that much later.
        case delay(milliseconds: UInt32)
        /// The process stops (SIGSTOP) before the operation.
        case stop
        /// The process stops, and when it is continued the operation fails with that error number.
        case stopAndFail(Int32)
        /// The process is killed (SIGKILL) before the operation.
        case kill
        /// The process is killed after the operation.
        case killAfterwards
    }

    /// What happens.
    package var action: Action
    /// Which operations are counted and hit; nil for all.
    package var operation: FileOperation?
    /// The number of the first one that is hit, from 1 on; 0 hits none, and counts.
    package var first: Int
    /// How many in a row are hit.
    package var times = 1
    /// For a write: how many bytes are written before the action; nil when it comes before the write.
    package var bytes: Int?
    /// Only files below this folder; nil for all.
    package var folder: String?

    /// Plans an action at one operation, and nothing else.
    package init(_ action: Action, at operation: FileOperation? = nil, number: Int = 1, bytes: Int? = nil) {
        self.action = action
        self.operation = operation
        first = number
        self.bytes = bytes
    }

    /// Only counts.
    package static var counting: FaultPlan { FaultPlan(.delay(milliseconds: 0), number: 0) }

    /// Makes this the plan of the process, and counts from zero.
    package func set() { unsafe (folder.map { $0 + "/" } ?? "").withCString { unsafe set(within: $0) } }

    private func set(within: UnsafePointer<CChar>) {
        var plan = unsafe perdure_fault_plan()
        unsafe plan.operation = operation?.number ?? Int32(PERDURE_ANY)
        unsafe plan.first = UInt64(first)
        unsafe plan.times = UInt64(times)
        unsafe plan.bytes = Int64(bytes ?? -1)
        unsafe plan.within = unsafe within
        switch action {
        case .fail(let number): unsafe (plan.action, plan.error) = (Int32(PERDURE_FAIL), number)
        case .delay(let milliseconds): unsafe (plan.action, plan.milliseconds) = (Int32(PERDURE_DELAY), milliseconds)
        case .stop: unsafe plan.action = Int32(PERDURE_STOP)
        case .stopAndFail(let number): unsafe (plan.action, plan.error) = (Int32(PERDURE_STOP), number)
        case .kill: unsafe plan.action = Int32(PERDURE_KILL)
        case .killAfterwards: unsafe plan.action = Int32(PERDURE_KILL_AFTER)
        }
        let failure = unsafe perdure_fault_plan_set(&plan)
        assert(failure == 0, "a plan without an error number, or no memory")
    }

    /// Ends the plan; nothing fails any more.
    package static func clear() { _ = perdure_fault_plan_set(nil) }

    /// How many operations of its kind there were while the last plan was set.
    package static var seen: Int { Int(perdure_fault_plan_seen()) }
}

extension FileOperation {
    /// Does something to a database's files under this name, which a fault plan can hit.
    ///
    /// - Parameters:
    ///   - path: the path of the database.
    ///   - failure: the error for an error number of the plan.
    package func perform<Result: ~Copyable, Failure: Error>(
        on path: String,
        failure: (Int32) -> Failure,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var fault = unsafe perdure_fault_before(number, path)
        // A read or a truncation that is interrupted is repeated, here as in the file layer.
        let isRepeated = fault.error == EINTR && [.databaseRead, .databaseTruncate, .logRead].contains(self)
        if fault.error != 0, !isRepeated { throw failure(fault.error) }
        let result = try body()
        unsafe perdure_fault_after(&fault)
        return result
    }
}
