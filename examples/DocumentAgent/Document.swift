// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles

/// A text whose pages end with a form feed.
struct Document {
    let pages: [String]

    init(_ path: String) throws {
        pages = try OwnFolder.read(path).split(separator: "\u{0C}").map(String.init)
    }

    /// A page, from 1. A run may go on for days, and the file may be another one by then.
    func page(_ number: Int) throws -> String {
        guard pages.indices.contains(number - 1) else { throw MissingPage(number: number) }
        return pages[number - 1]
    }
}

/// The document has become shorter.
struct MissingPage: Error, CustomStringConvertible {
    let number: Int
    var description: String { "the document has no page \(number) any more" }
}
