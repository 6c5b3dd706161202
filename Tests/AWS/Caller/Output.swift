// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Sends on what `print` has kept: a pipe's reader waits for each line.
func flushOutput() {
    fflush(nil)
}
