// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A line of the runtime's own in the function's log.
func writeLine(_ level: LambdaLog.Level, _ text: String, _ context: InvocationContext? = nil) {
    LambdaLog.standard.write(LambdaLog.Record(level, text, context: context))
}

/// Blocks the thread.
func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while unsafe nanosleep(&wanted, &left) == -1, errno == EINTR { wanted = left }
}
