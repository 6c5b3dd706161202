// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// What this process does with which inode: claims, closes that wait for the end of a claim, and closes under way.
/// One for the process, because that is the owner of POSIX record locks.
final class DescriptorRegistry: Sendable {
    static let shared = DescriptorRegistry()

    private struct Use {
        var isClaimed = false
        /// Descriptors to be closed when the claim ends.
        var parked: [Int32] = []
        /// Calls of close() under way: a lock taken meanwhile would be lost.
        var closing = 0

        var isOver: Bool { !isClaimed && closing == 0 }
    }

    private let uses = Mutex<[FileIdentity: Use]>([:])

    /// Whether the claim was free. It is the caller's from then on.
    func claim(_ identity: FileIdentity) -> Bool {
        uses.withLock { uses in
            let use = uses[identity, default: Use()]
            if use.isClaimed || use.closing > 0 { return false }
            uses[identity] = Use(isClaimed: true)
            return true
        }
    }

    /// Closes the descriptor, or keeps it open up to the end of the claim on its inode.
    func close(_ descriptor: Int32, of identity: FileIdentity) throws(FileLockError) {
        let isParked = uses.withLock { uses in
            if uses[identity]?.isClaimed == true {
                uses[identity]?.parked.append(descriptor)
                return true
            }
            uses[identity, default: Use()].closing += 1
            return false
        }
        if !isParked { try closeAll([descriptor], of: identity) }
    }

    /// Ends the claim and closes what was parked during it.
    func endClaim(_ identity: FileIdentity) throws(FileLockError) {
        let parked = uses.withLock { uses in
            let parked = uses[identity]?.parked ?? []
            uses[identity] = parked.isEmpty ? nil : Use(closing: parked.count)
            return parked
        }
        try closeAll(parked, of: identity)
    }

    /// Closes descriptors that are counted in `closing`; outside of the mutex, as close() may wait for a file server.
    private func closeAll(_ descriptors: [Int32], of identity: FileIdentity) throws(FileLockError) {
        var failure: FileLockError?
        for descriptor in descriptors {
            do { try closeOnce(descriptor) } catch { failure = failure ?? error }
            uses.withLock { uses in
                uses[identity]?.closing -= 1
                if uses[identity]?.isOver == true { uses[identity] = nil }
            }
        }
        if let failure { throw failure }
    }
}
