// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// How much of a turn's text a reader has: the `id` of a server-sent event.
///
/// `<step>.<bytes>.<digest>`: so many bytes of UTF-8 of that step's text, and of what comes before it all. The digest tells
/// whether a text that was written anew begins with the same bytes. It protects against nothing but mix-ups: whoever may ask
/// for a turn may see all of it.
public struct EventCursor: Sendable, Hashable, CustomStringConvertible {
    /// The step, from 1, as in the events; 0 is before the first one.
    public let step: Int
    /// The number of bytes of the step's text, in UTF-8.
    public private(set) var length = 0
    private var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The longest spelling that is read, in bytes.
    static let maximumLength = 64

    /// The beginning of a step.
    init(step: Int) { self.step = step }

    /// Reads a cursor, exactly as it was given out; nil when it is none.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let step = Int(parts[0]), let length = Int(parts[1]),
            let digest = UInt64(parts[2], radix: 16), step >= 0, length >= 0
        else { return nil }
        (self.step, self.length, self.digest) = (step, length, digest)
        guard description == text, length > 0 && step > 0 || self == EventCursor(step: step) else { return nil }
    }

    /// Goes on by more of the step's text: FNV-1a with 64 bits, the offset basis and prime of its authors.
    mutating func advance(by bytes: some Collection<UInt8>) {
        length += bytes.count
        for byte in bytes { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// Whether it is where a reader is who has the first bytes of this text.
    func isReached(by text: [UInt8]) -> Bool {
        guard text.count >= length else { return false }
        var cursor = EventCursor(step: step)
        cursor.advance(by: text.prefix(length))
        return cursor == self
    }

    /// As it stands in an event.
    public var description: String { "\(step).\(length).\(String(digest, radix: 16))" }
}
