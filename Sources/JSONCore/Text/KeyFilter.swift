// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Tells cheaply that an object's keys are all different, or that they have to be compared.
struct KeyFilter {
    /// Set once two keys have the same short hash; true does not mean that they are equal.
    var mayRepeat = false
    private var seen = SIMD4<UInt64>()

    @inline(__always)
    mutating func insert(_ key: UnsafeRawBufferPointer) {
        var hash = UInt64(truncatingIfNeeded: key.count)
        if key.count >= 8 {
            hash ^= key.loadUnaligned(as: UInt64.self)
            hash &*= 0x9E37_79B9_7F4A_7C15
            hash ^= key.loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self)
        } else {
            for byte in key { hash = hash << 8 ^ UInt64(byte) ^ hash >> 56 }
        }
        // 2⁶⁴ divided by the golden ratio spreads the keys over the upper bits; eight of them choose the flag.
        hash &*= 0x9E37_79B9_7F4A_7C15
        let lane = Int(hash >> 62)
        let flag: UInt64 = 1 << (hash >> 56 & 63)
        mayRepeat = mayRepeat || seen[lane] & flag != 0
        seen[lane] |= flag
    }
}
