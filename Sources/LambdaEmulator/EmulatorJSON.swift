// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import JSONCore
import NIOCore

/// Everything the emulator writes or checks as JSON, in one place.
enum EmulatorJSON {
    /// An object with these members, in this order.
    static func object(_ members: KeyValuePairs<String, String>) -> ByteBuffer {
        let object = JSONObject(members.lazy.map { (key: $0.key, value: JSONValue($0.value)) })
        return ByteBuffer(bytes: JSONValue.object(object).bytes())
    }

    /// Nil when `bytes` is a JSON text, of any kind; else what is wrong with it.
    static func problem(in bytes: ByteBuffer) -> String? {
        do {
            _ = try JSONValue(parsing: bytes.readableBytesView)
            return nil
        } catch {
            return error.description
        }
    }

    /// The JSON object in `base64` on one line, fit for a header; nil when it is no such thing.
    static func headerObject(base64: String) -> String? {
        guard let data = Data(base64Encoded: base64), let value = try? JSONValue(parsing: data), value.object != nil
        else { return nil }
        return value.description
    }
}
