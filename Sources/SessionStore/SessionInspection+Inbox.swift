// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SessionInspection {
    /// Counts the messages that wait in the inbox, which is not locked and not created. What somebody is about to leave there
    /// looks like what a crash has cut off, and neither is a finding.
    mutating func readInbox(of database: String) throws(SessionStoreError) {
        let bytes: [UInt8]
        do throws(FileLockError) {
            let file = try OpenFile(path: database + "-inbox", createsMissing: false)
            bytes = try file.read(count: Int(try file.size()), at: 0)
            try file.close()
        } catch {
            if error.errno == ENOENT { return }
            throw SessionStoreError(error)
        }
        let contents = InboxContents(bytes)
        report.messages = contents.messages.count
        if contents.count > report.messages {
            report.add(
                .brokenInbox,
                "\(contents.count - report.messages) lines of s.db-inbox are no messages; the next lease that reads it passes over them"
            )
        }
    }
}
