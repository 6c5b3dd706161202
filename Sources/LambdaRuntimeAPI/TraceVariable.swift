// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `_X_AMZN_TRACE_ID` in the process's environment, where X-Ray's libraries look for the invocation's trace.
///
/// `setenv` keeps each value it was ever given (glibc, so that a pointer from `getenv` stays good): some 100 bytes an
/// invocation, as no trace comes twice. Here the values take turns in memory that is allocated once.
struct TraceVariable: ~Copyable {
    private static let name = "_X_AMZN_TRACE_ID"
    /// With the name; X-Ray's own have about 120 bytes. The few that are longer go through `setenv`.
    private static let slotSize = 512

    /// As many values stay good as there are slots: who reads an older one than the last invocation's should have copied
    /// it. They are part of the environment, which ends with the process.
    private let slots = (0..<8).map { _ in UnsafeMutablePointer<CChar>.allocate(capacity: slotSize) }
    private var next = 0

    /// Sets or removes the variable.
    ///
    /// No function of the environment is safe against `getenv` on another thread: it is called before the handler is.
    /// They fail only without memory, and then tracing is what can be done without.
    mutating func set(_ traceID: String?) {
        guard let traceID else {
            _ = unsafe unsetenv(Self.name)
            return
        }
        let line = "\(Self.name)=\(traceID)".utf8CString
        guard line.count <= Self.slotSize else {
            _ = unsafe setenv(Self.name, traceID, 1)
            return
        }
        let slot = slots[next]
        next = (next + 1) % slots.count
        for (index, byte) in line.enumerated() { unsafe slot[index] = byte }
        _ = unsafe putenv(slot)
    }
}
