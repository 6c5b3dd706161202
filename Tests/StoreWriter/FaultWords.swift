// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension FaultPlan {
    private static let actions: [String: Action] = [
        "kill": .kill, "kill-after": .killAfterwards, "stop": .stop,
        // A write in two pieces, without an error.
        "short": .delay(milliseconds: 0),
        "EIO": .fail(EIO), "ENOSPC": .fail(ENOSPC), "EDQUOT": .fail(EDQUOT), "ESTALE": .fail(ESTALE),
        "ENOLCK": .fail(ENOLCK), "EINTR": .fail(EINTR),
    ]

    /// The plan of the words `<action>:<operation or any>:<number>[:<bytes>]`, such as `EIO:wal.sync:2`; nil for others.
    ///
    /// With a number of bytes, a write is torn: so much is written before the action.
    init?(words: String) {
        let parts = words.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (3...4).contains(parts.count), let action = Self.actions[parts[0]], let number = Int(parts[2]) else {
            return nil
        }
        let operation = FileOperation(name: parts[1])
        guard operation != nil || parts[1] == "any" else { return nil }
        var bytes: Int?
        if parts.count == 4 {
            guard let count = Int(parts[3]) else { return nil }
            bytes = count
        }
        self.init(action, at: operation, number: number, bytes: bytes)
    }
}
