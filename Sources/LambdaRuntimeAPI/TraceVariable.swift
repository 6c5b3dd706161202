// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `_X_AMZN_TRACE_ID`, where X-Ray's libraries look for the trace of the invocation under way.
///
/// `setenv` of glibc keeps every value that a variable ever had, because somebody may still look at it: 150 bytes an
/// invocation, for the life of the sandbox. Here the variable is memory that is overwritten instead.
///
/// Neither is safe against a `getenv` on another thread: to be changed before the handler is called.
struct TraceVariable {
    private static let name = "_X_AMZN_TRACE_ID"

    /// Never freed: the environment refers to it.
    private var memory: UnsafeMutablePointer<CChar>
    private var capacity = 1024

    init() {
        unsafe memory = .allocate(capacity: capacity)
    }

    /// Sets the variable, or removes it.
    mutating func set(_ traceID: String?) {
        guard let traceID else {
            _ = unsafe unsetenv(Self.name)
            return
        }
        let line = "\(Self.name)=\(traceID)".utf8CString
        if line.count > capacity {
            capacity = 2 * line.count
            unsafe memory = .allocate(capacity: capacity)
        }
        for (index, character) in line.enumerated() { unsafe memory[index] = character }
        // Fails only without memory, and then tracing is what can be done without.
        _ = unsafe putenv(memory)
    }
}
