// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// This process's exclusive right to lock one inode, and the promise that no `OpenFile` closes a descriptor of it.
///
/// POSIX record locks belong to the process: a second lock by the same process succeeds, and *"all locks associated
/// with a file for a given process shall be removed when a file descriptor for that file is closed by that process"*
/// (POSIX, `fcntl`). So the second lease inside a process is refused here, and while a claim exists, a descriptor
/// that an `OpenFile` gives up is kept open until the claim ends. Descriptors that are not of this module (SQLite's
/// own, for one) are outside of that promise.
///
/// The claim must outlive the lock: release the lock first, then the claim.
public struct InodeClaim: ~Copyable, Sendable {
    /// The claimed inode.
    public let identity: FileIdentity

    /// Claims the inode of an open file for this process. No system call, no round trip.
    ///
    /// - Throws: `.claimedHere` when a claim exists, or when another thread is closing a descriptor of the inode at
    ///   this moment (that close would drop the lock that is about to be taken).
    public init(_ file: borrowing OpenFile) throws(FileLockError) {
        let identity = file.identity
        guard DescriptorRegistry.shared.claim(identity) else {
            throw FileLockError(.claimedHere, call: "claim")
        }
        self.identity = identity
    }

    /// Gives the claim back and closes the descriptors that were kept open for it.
    ///
    /// - Throws: the first failure of those closes. The claim is given back in any case.
    public consuming func release() throws(FileLockError) {
        let identity = self.identity
        discard self
        try DescriptorRegistry.shared.endClaim(identity)
    }

    deinit {
        // A net for early exits: a failing close has nobody to be told to.
        try? DescriptorRegistry.shared.endClaim(identity)
    }
}
