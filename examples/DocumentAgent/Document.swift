// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles

/// A text whose pages end with a form feed.
struct Document {
    let pages: [String]

    init(_ path: String) throws {
        pages = try OwnFolder.read(path).split(separator: "\u{0C}").map(String.init)
    }
}
