// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// What this process does with which inode: claims, locks, closes that wait for their end, and closes under way.
/// One for the process, because that is the owner of POSIX record locks.
final class DescriptorRegistry: Sendable {
    static let shared = DescriptorRegistry()

    private struct Use {
        var isClaimed = false
        /// Locks that are held or being taken.
        var locks = 0
        /// Descriptors to be closed when the inode is neither claimed nor locked.
        var parked: [Int32] = []
        /// Calls of close() under way: a lock taken meanwhile would be lost.
        var closing = 0

        var isHeld: Bool { isClaimed || locks > 0 }
        var isOver: Bool { !isHeld && closing == 0 }
    }

    private let uses = Mutex<[FileIdentity: Use]>([:])

    /// Whether the claim was free. It is the caller's from then on.
    func beginClaim(_ identity: FileIdentity) -> Bool {
        change(identity) { use in
            if use.isHeld || use.closing > 0 { return false }
            use.isClaimed = true
            return true
        }
    }

    /// Whether a lock may be taken now, that is, no close is under way. To be ended even if the lock is then refused.
    func beginLock(_ identity: FileIdentity) -> Bool {
        change(identity) { use in
            if use.closing > 0 { return false }
            use.locks += 1
            return true
        }
    }

    /// Ends a claim; closes what was parked unless a lock is left.
    func endClaim(_ identity: FileIdentity) throws(FileLockError) {
        try letGo(identity) { $0.isClaimed = false }
    }

    /// Ends a lock, after the bytes were unlocked; closes what was parked unless the inode is still claimed or locked.
    func endLock(_ identity: FileIdentity) throws(FileLockError) {
        try letGo(identity) { $0.locks -= 1 }
    }

    /// Closes the descriptor, or keeps it open while the inode is claimed or locked.
    func close(_ descriptor: Int32, of identity: FileIdentity) throws(FileLockError) {
        try letGo(identity) { $0.parked.append(descriptor) }
    }

    /// Changes the use and closes what is parked, if the inode is not held after the change.
    private func letGo(_ identity: FileIdentity, _ body: (inout Use) -> Void) throws(FileLockError) {
        let descriptors = change(identity) { use -> [Int32] in
            body(&use)
            if use.isHeld { return [] }
            let parked = use.parked
            use.parked = []
            use.closing += parked.count
            return parked
        }
        // Outside of the mutex, as close() may wait for a file server.
        var failure: FileLockError?
        for descriptor in descriptors {
            do { try closeOnce(descriptor) } catch { failure = failure ?? error }
            change(identity) { $0.closing -= 1 }
        }
        if let failure { throw failure }
    }

    private func change<Result: Sendable>(_ identity: FileIdentity, _ body: (inout Use) -> Result) -> Result {
        uses.withLock { uses in
            var use = uses.removeValue(forKey: identity) ?? Use()
            let result = body(&use)
            if !use.isOver { uses[identity] = use }
            return result
        }
    }
}
