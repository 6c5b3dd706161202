// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles

/// The pages in SQLite's full-text index (FTS5), in a file beside the sessions.
struct PageIndex {
    struct Hit: Codable {
        let page: Int
        let text: String
    }

    private let database: OwnDatabase

    init(_ folder: OwnFolder) throws {
        database = try OwnDatabase("\(folder.path)/pages.db")
        try database.run("CREATE VIRTUAL TABLE IF NOT EXISTS pages USING fts5 (text, tokenize = 'porter')")
    }

    /// Adds a page. The same page again takes the place of the first: the page's number is the key.
    func add(_ text: String, as page: Int) throws {
        try database.run("INSERT OR REPLACE INTO pages (rowid, text) VALUES (?, ?)", .int(page), .text(text))
    }

    /// The three pages that have most of the question's words, and the rarest, with the place on the page.
    func pages(about question: String) throws -> [Hit] {
        // Each word in quotation marks is a word to FTS5, whatever it is.
        let words = question.split { !$0.isLetter && !$0.isNumber }.filter {
            $0.count > 3 || $0.first?.isNumber == true
        }.map { "\"\($0)\"" }
        guard !words.isEmpty else { return [] }
        let rows = try database.run(
            """
            SELECT rowid, snippet(pages, 0, '', '', ' … ', 16) FROM pages WHERE pages MATCH ? ORDER BY rank LIMIT 3
            """, .text(words.joined(separator: " OR ")))
        return rows.map { row in
            Hit(page: Int(row[0]) ?? 0, text: row[1].split(whereSeparator: \.isWhitespace).joined(separator: " "))
        }
    }
}
