// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles

/// The sentences that matter, in a SQLite table beside the session's documents.
struct Notes {
    private let database: OwnDatabase
    private let folder: String

    init(_ files: OwnFolder) throws {
        folder = files.path
        database = try OwnDatabase("\(files.path)/notes.db")
        try database.run(
            """
            CREATE TABLE IF NOT EXISTS notes (
                source TEXT NOT NULL, number INTEGER NOT NULL, sentence TEXT NOT NULL, PRIMARY KEY (source, number)
            ) WITHOUT ROWID
            """)
    }

    /// Notes the sentences of a document that name the topic. Done again, it changes nothing.
    func take(from source: String, on topic: String) throws {
        let text = try OwnFolder.read("\(folder)/\(source)")
        let sentences = text.split(whereSeparator: { ".!?".contains($0) }).map { sentence in
            sentence.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        for (index, sentence) in sentences.enumerated() where sentence.lowercased().contains(topic.lowercased()) {
            try database.run(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", .text(source), .int(index + 1), .text(sentence))
        }
    }

    func count() throws -> Int { Int(try database.run("SELECT count(*) FROM notes")[0][0]) ?? 0 }

    func report(on topic: String, count: Int, agreedBy person: String) throws -> String {
        let rows = try database.run("SELECT sentence, source, number FROM notes ORDER BY source, number")
        let lines = rows.map { "- \($0[0]). (\($0[1]), sentence \($0[2]))" }
        return (["# \(topic): \(count) notes, agreed by \(person)"] + lines).joined(separator: "\n")
    }
}
