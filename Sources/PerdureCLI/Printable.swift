// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

extension JSONValue {
    /// What the commands print for programs, indented for the people who look at it.
    var pretty: String { String(decoding: bytes(.pretty), as: UTF8.self) }
}

extension String {
    /// The text with everything that could move a terminal's cursor, or hide or reorder text, written as `\u{1B}`.
    ///
    /// What a model says must not be able to draw a question, such as whether a call is allowed, that nobody asked.
    var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\n" && scalar != "\t", .format, .lineSeparator, .paragraphSeparator:
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The same on one line, for a cell of a table.
    var printableLine: String {
        printable.replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    }
}
