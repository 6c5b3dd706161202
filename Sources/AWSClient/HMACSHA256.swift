// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

/// HMAC (RFC 2104) with SHA-256, which Signature Version 4 is made of.
enum HMACSHA256 {
    /// The 32 bytes of the code.
    static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        // "The authentication key K can be of any length up to B": a longer one is hashed first. B is 64 bytes.
        var block = key.count > 64 ? SHA256.digest(of: key) : key
        block += repeatElement(0, count: 64 - block.count)
        let inner = SHA256.digest(of: block.map { $0 ^ 0x36 } + message)
        return SHA256.digest(of: block.map { $0 ^ 0x5c } + inner)
    }

    /// The 32 bytes of the code of a text.
    static func code(of text: String, key: [UInt8]) -> [UInt8] { code(of: Array(text.utf8), key: key) }
}
