// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

/// A step from one version of the tables to the next.
package struct Migration: Sendable {
    /// The version that it starts from. It leads to the one after.
    package let from: Int
    /// What it does. `meta` has its `epoch` afterwards.
    package let sql: String

    /// Creates a step.
    package init(from: Int, sql: String) {
        self.from = from
        self.sql = sql
    }
}

extension Schema {
    /// From version 1 to ``version``, oldest first and without gaps. None is ever changed or removed: there are files of
    /// each released version somewhere. `creation` always makes the newest one.
    static let migrations: [Migration] = []

    /// Brings an older file up to date: all steps in one transaction, so that a crash leaves the old version or the new
    /// one. An older library refuses the file from then on.
    static func migrate(
        _ connection: Connection,
        from found: Int,
        by migrations: [Migration]
    ) throws(SessionStoreError) {
        let steps = migrations.filter { $0.from >= found }
        guard let last = steps.last, steps.map(\.from) == Array(found...last.from) else {
            throw SessionStoreError(.damaged, at: "migrate", "there is no way from schema version \(found)")
        }
        try sqlite(at: "migrate") { () throws(SQLiteError) in
            try connection.withTransaction(.immediate) { () throws(SQLiteError) in
                for step in steps { try connection.execute(step.sql) }
                try connection.setUserVersion(Int32(last.from + 1))
                // Whoever leased the old version and lost the lease is fenced by this as by any commit.
                try connection.run("UPDATE meta SET epoch = epoch + 1")
            }
        }
    }
}
