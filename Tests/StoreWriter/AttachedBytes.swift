// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore

/// An attachment whose bytes follow from their place: it says "leased", and waits for a line; attaches, and says
/// "attached"; reads everything back, says "read", and waits for a line.
struct AttachedBytes {
    let name: String
    let size: Int

    /// No divisor of the size of a part.
    static let chunk = 100_000

    func run(_ session: SessionID, in store: SessionStore) throws {
        var leased = try StoreWriter.lease(session, in: store)
        StoreWriter.say("leased")
        _ = readLine()
        let chunks = stride(from: 0, to: size, by: Self.chunk).lazy.map { expected(from: $0, count: Self.chunk) }
        let attachment = try leased.attach(name, chunks)
        StoreWriter.say("attached")
        var offset = 0
        while offset < attachment.size {
            let bytes = try leased.bytes(of: attachment, from: offset)
            guard !bytes.isEmpty, bytes == expected(from: offset, count: bytes.count) else { throw Differs(at: offset) }
            offset += bytes.count
        }
        StoreWriter.say("read")
        _ = readLine()
        try leased.release()
    }

    struct Differs: Error { let at: Int }

    /// Each chunk is one byte, over and over.
    func expected(from start: Int, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var place = start
        let end = min(size, start + count)
        while place < end {
            let number = place / Self.chunk
            let next = min(end, (number + 1) * Self.chunk)
            bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 37 &+ 1), count: next - place)
            place = next
        }
        return bytes
    }
}
