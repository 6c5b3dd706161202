// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

/// What happens to the rows of a memory inside of a transaction.
extension LeasedSession {
    func put(_ text: String, at path: MemoryPath) throws(SQLiteError) {
        try unindex(path)
        try connection.run(
            """
            INSERT INTO memory (path, version, uses, used, updated, text) VALUES (?1, 1, 1, ?2, ?2, ?3)
            ON CONFLICT (path) DO UPDATE
            SET version = version + 1, uses = uses + 1, used = ?2, updated = ?2, text = ?3
            """,
            .text(path.rawValue), .integer(now()), .text(text))
        try index(path)
    }

    func remove(_ paths: [MemoryPath]) throws(SQLiteError) {
        for path in paths {
            try unindex(path)
            try connection.run("DELETE FROM memory WHERE path = ?", .text(path.rawValue))
        }
    }

    func move(_ paths: [MemoryPath], from source: MemoryPath, to target: MemoryPath) throws(SQLiteError) {
        for path in paths {
            let rest = path.rawValue.utf8.dropFirst(source.rawValue.utf8.count)
            let moved = MemoryPath(stored: target.rawValue + String(decoding: rest, as: UTF8.self))
            try unindex(path)
            try connection.run(
                "UPDATE memory SET path = ?, uses = uses + 1, used = ? WHERE path = ?",
                .text(moved.rawValue), .integer(now()), .text(path.rawValue))
            try index(moved)
        }
    }

    /// Counts the uses that were noted since the last commit.
    func countUses() throws(SQLiteError) {
        guard !usedMemories.isEmpty, try Schema.has("memory", in: connection) else { return }
        for path in usedMemories {
            try connection.run(
                "UPDATE memory SET uses = uses + 1, used = ? WHERE path = ?", .integer(now()), .text(path.rawValue))
        }
    }

    func remember(_ call: AppliedCall) throws(SQLiteError) {
        try Schema.add("applied", to: connection)
        try connection.run("INSERT INTO applied (key, answer) VALUES (?, ?)", .text(call.key), .text(call.answer))
        try connection.run(
            "DELETE FROM applied WHERE id <= (SELECT max(id) FROM applied) - ?",
            .integer(Int64(AppliedCall.maximumCount)))
    }

    private func index(_ path: MemoryPath) throws(SQLiteError) {
        try connection.run(
            "INSERT INTO memory_index (rowid, path, text) SELECT id, path, text FROM memory WHERE path = ?",
            .text(path.rawValue))
    }

    /// To be called before a row changes: "the values […] supplied for the delete command must match those currently
    /// stored", or the index goes wrong.
    private func unindex(_ path: MemoryPath) throws(SQLiteError) {
        try connection.run(
            """
            INSERT INTO memory_index (memory_index, rowid, path, text)
            SELECT 'delete', id, path, text FROM memory WHERE path = ?
            """,
            .text(path.rawValue))
    }
}
