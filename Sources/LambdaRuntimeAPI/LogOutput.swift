// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A descriptor that takes whole records.
final class LogOutput: Sendable {
    let isFramed: Bool
    private let descriptor: Int32
    /// Held across the system call, unlike other locks: a pipe interleaves records of more than `PIPE_BUF` bytes, and
    /// the reader of frames would never find its way back.
    private let turn = Mutex(())

    init(descriptor: Int32, isFramed: Bool) {
        self.descriptor = descriptor
        self.isFramed = isFramed
    }

    /// Writes all of it: with one call, unless the descriptor takes less at a time.
    func write(_ bytes: [UInt8]) {
        turn.withLock { _ in
            unsafe bytes.withUnsafeBytes { buffer in
                var rest = unsafe buffer[...]
                while let start = unsafe UnsafeRawBufferPointer(rebasing: rest).baseAddress, unsafe !rest.isEmpty {
                    let count = unsafe Self.write(descriptor, start, rest.count)
                    if count > 0 {
                        unsafe rest = rest.dropFirst(count)
                    } else if count < 0, errno == EINTR {
                        continue
                    } else if count < 0, errno == EAGAIN {
                        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        _ = unsafe poll(&request, 1, -1)
                    } else {
                        return
                    }
                }
            }
        }
    }

    private static func write(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.write(descriptor, start, count)
        #elseif canImport(Musl)
        unsafe Musl.write(descriptor, start, count)
        #else
        unsafe Darwin.write(descriptor, start, count)
        #endif
    }
}
