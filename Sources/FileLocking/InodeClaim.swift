// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The right of one part of this process to lock an inode; every other part is refused.
///
/// POSIX record locks belong to the process: a second lock by the same process succeeds and the first unlock ends both.
/// So a second lease on the same file inside this process has to be refused here.
///
/// A claim that is given back before the last `FileLock` on the inode lasts until that lock is released, in whatever
/// order the two are destroyed.
public struct InodeClaim: ~Copyable, Sendable {
    /// The claimed inode.
    public let identity: FileIdentity

    /// Claims the inode of an open file for this process. No system call, no round trip.
    ///
    /// - Throws: `.claimedHere` when the inode is claimed or locked, or when another thread is closing a descriptor of
    ///   it at this moment (that close would drop the lock that is about to be taken).
    public init(_ file: borrowing OpenFile) throws(FileLockError) {
        let identity = file.identity
        guard DescriptorRegistry.shared.beginClaim(identity) else {
            throw FileLockError(.claimedHere, call: "claim")
        }
        self.identity = identity
    }

    /// Gives the claim back, and closes the descriptors that were kept open for it unless a lock is left.
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
