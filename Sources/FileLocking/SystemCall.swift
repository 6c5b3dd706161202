// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The one place that reads -1 and `errno`: repeats a call that a signal interrupted, and throws any other failure.
func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ name: StaticString,
    _ body: () -> Result
) throws(FileLockError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let number = errno
        if number != EINTR { throw FileLockError(errno: number, call: name) }
    }
}

/// Closes a descriptor once. `close` is not repeated after `EINTR`: Linux has released the number by then, and a
/// second call could close a descriptor that another thread has just opened.
func closeOnce(_ descriptor: Int32) throws(FileLockError) {
    if close(descriptor) == -1 {
        let number = errno
        if number != EINTR { throw FileLockError(errno: number, call: "close") }
    }
}
