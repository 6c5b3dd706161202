// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore

/// Everything the emulator writes or checks as JSON, in one place.
enum EmulatorJSON {
    /// An object with these members, in this order.
    static func object(_ members: KeyValuePairs<String, String>) -> ByteBuffer {
        var text = "{"
        for (key, value) in members {
            if text.utf8.count > 1 { text += "," }
            text += quoted(key) + ":" + quoted(value)
        }
        return ByteBuffer(string: text + "}")
    }

    /// Nil when `bytes` is a JSON text, of any kind; else what is wrong with it.
    static func problem(in bytes: ByteBuffer) -> String? {
        do {
            _ = try JSONSerialization.jsonObject(with: Data(bytes.readableBytesView), options: .fragmentsAllowed)
            return nil
        } catch {
            return (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String ?? "not a JSON text"
        }
    }

    /// The JSON object in `base64` on one line, fit for a header; nil when it is no such thing.
    static func headerObject(base64: String) -> String? {
        guard let data = Data(base64Encoded: base64),
            (try? JSONSerialization.jsonObject(with: data)) is [String: Any],
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        // A control character in a JSON text can only be white space between its tokens: a space says the same.
        return String(text.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                result += String(format: "\\u%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
