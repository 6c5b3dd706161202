// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Synchronization

/// The right of one part of this process to open the files in a session's folder.
///
/// The claim on the inode decides who may lock. But to ask for it a file has to be opened, and a descriptor of an inode
/// that is locked here cannot be closed before the lock ends: whoever polls would leave one behind each time.
struct FolderClaim: ~Copyable {
    private static let claimed = Mutex<Set<String>>([])
    /// The folder.
    let path: String

    /// Nil when another part of this process has it.
    init?(_ folder: String) {
        guard Self.claimed.withLock({ $0.insert(folder).inserted }) else { return nil }
        path = folder
    }

    deinit {
        _ = Self.claimed.withLock { $0.remove(path) }
    }
}
