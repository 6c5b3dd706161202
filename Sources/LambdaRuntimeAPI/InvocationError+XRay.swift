// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

extension InvocationError {
    /// The error as X-Ray shows it in a trace: a line of JSON in ASCII for a header, at most 64 KiB.
    ///
    /// A byte that is escaped takes up to six, which is why the texts are cut to less than in ``body``: 4 KiB for the
    /// message and 32 lines of 128 bytes come to 50 KiB at worst.
    var xRayCause: String {
        let stack = stackTrace.prefix(32).map { line -> JSONValue in
            ["path": "", "line": 0, "label": .init(line.cut(toJSONLength: 128))]
        }
        let exception: JSONValue = [
            "message": .init(message.cut(toJSONLength: 4 << 10)),
            "type": .init(headerType),
            "stack": .array(stack),
        ]
        let cause: JSONValue = [
            "working_directory": "/var/task",
            "exceptions": [exception],
            "paths": [],
        ]
        return asciiJSON(cause.bytes())
    }
}

/// The same JSON with an escape for each character that a header does not take.
private func asciiJSON(_ bytes: [UInt8]) -> String {
    var text = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        if scalar.value < 0x7F {
            text.unicodeScalars.append(scalar)
        } else {
            for unit in String(scalar).utf16 { text += "\\u" + String(0x10000 + UInt32(unit), radix: 16).dropFirst() }
        }
    }
    return text
}
