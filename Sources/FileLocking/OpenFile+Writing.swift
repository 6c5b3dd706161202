// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CPOSIX

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension OpenFile {
    /// The size in bytes as the file server has it now: one GETATTR on NFS, where ``size()`` may tell what this client
    /// remembers.
    ///
    /// - Throws: `.ioError`.
    public func serverSize() throws(FileLockError) -> Int64 {
        var size: Int64 = 0
        let failure = unsafe cposix_server_size(descriptor, &size)
        if failure != 0 { throw FileLockError(errno: failure, call: "statx") }
        return size
    }

    /// Writes all bytes from `offset` on. They may be in this machine's memory only until ``sync()`` returns.
    ///
    /// - Throws: `.ioError`; some of the bytes may be in the file then.
    public func overwrite(with bytes: [UInt8], at offset: Int64) throws(FileLockError) {
        if offset < 0 { throw FileLockError(errno: EINVAL, call: "pwrite") }
        var done = 0
        while done < bytes.count {
            let count = try systemCall("pwrite") {
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe pwrite(
                        descriptor, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                        off_t(offset) + off_t(done))
                }
            }
            if count == 0 { throw FileLockError(errno: EIO, call: "pwrite") }
            done += count
        }
    }

    /// Puts what was written onto the disk, on NFS onto the server's.
    ///
    /// - Throws: `.ioError`. A failure is told once: whether the bytes are there is unknown then, and a second call that
    ///   returns says nothing about them.
    public func sync() throws(FileLockError) {
        _ = try systemCall("fsync") { fsync(descriptor) }
    }
}
