// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// The text without the white space between tokens.
func withoutWhitespace(_ text: String) -> String {
    var result: [UInt8] = []
    var isInString = false
    var isEscaped = false
    for byte in text.utf8 {
        if isInString {
            isInString = isEscaped || byte != UInt8(ascii: "\"")
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        } else if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            continue
        } else {
            isInString = byte == UInt8(ascii: "\"")
        }
        result.append(byte)
    }
    return String(decoding: result, as: UTF8.self)
}

/// The same numbers for the same seed, on every machine (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Writes random JSON text with unusual spellings, repeated keys and white space.
struct RandomDocument {
    var numbers: SeededNumbers
    private var text = ""

    init(seed: UInt64) {
        numbers = SeededNumbers(state: seed)
    }

    static func text(seed: UInt64) -> String {
        var document = RandomDocument(seed: seed)
        document.value(depth: 0)
        return document.text
    }

    private mutating func pick(_ choices: [String]) { text += choices.randomElement(using: &numbers) ?? "" }

    private mutating func space() { pick(["", "", "", " ", "\n", "\t \r\n"]) }

    private mutating func value(depth: Int) {
        space()
        switch Int.random(in: 0..<(depth < 6 ? 8 : 4), using: &numbers) {
        case 0: pick(["null", "true", "false"])
        case 1: number()
        case 2, 3: string()
        case 4, 5: container("[", "]") { $0.value(depth: depth + 1) }
        default:
            container("{", "}") {
                $0.space()
                $0.string()
                $0.space()
                $0.text += ":"
                $0.value(depth: depth + 1)
            }
        }
        space()
    }

    private mutating func container(_ open: String, _ close: String, item: (inout RandomDocument) -> Void) {
        text += open
        for index in 0..<Int.random(in: 0..<7, using: &numbers) {
            if index > 0 { text += "," }
            item(&self)
        }
        if text.hasSuffix(open) { space() }
        text += close
    }

    private mutating func number() {
        pick(["", "-"])
        pick(["0", "7", "42", "100", "9007199254740993", "123456789012345678901234567890", "9223372036854775808"])
        pick(["", "", ".0", ".5", ".125", ".000000000000000000001"])
        pick(["", "", "e5", "E+3", "e-7", "e0", "e400"])
    }

    private mutating func string() {
        text += "\""
        for _ in 0..<Int.random(in: 0..<6, using: &numbers) {
            pick([
                "a", "key", "twelve bytes", "é", "€", "𝄞", "e\u{301}", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
                "\\u00e9", "\\u00E9", "\\ud834\\udd1e", "\\u0000", "\\u001f", "\\u001F", "\\b", "\u{7F}", " ",
            ])
        }
        text += "\""
    }
}
