// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A JSON string: its text, and its original spelling where that differs from the one the writer would choose.
///
/// Equality and hashing are by text, scalar by scalar.
public struct JSONString: Sendable {
    enum Storage: Sendable {
        case plain(String)
        case respelled(Respelling)
    }

    /// Text whose source used other escapes than the writer does. A class, as it is rare: the value stays small without.
    final class Respelling: Sendable {
        let value: String
        let spelling: String

        init(value: String, spelling: String) {
            self.value = value
            self.spelling = spelling
        }
    }

    let storage: Storage

    /// A string that is written in the canonical spelling.
    public init(_ value: String) {
        storage = .plain(value)
    }

    init(value: String, spelling: String) {
        storage = .respelled(Respelling(value: value, spelling: spelling))
    }

    /// The text, escapes resolved.
    public var value: String {
        switch storage {
        case .plain(let value): value
        case .respelled(let respelling): respelling.value
        }
    }

    /// What is written between the quotation marks.
    public var spelling: String {
        switch storage {
        case .plain(let value):
            var bytes: [UInt8] = []
            Writer.appendCanonical(value, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        case .respelled(let respelling): return respelling.spelling
        }
    }
}

extension JSONString: Hashable {
    /// Whether both have the same text.
    public static func == (left: JSONString, right: JSONString) -> Bool {
        left.value.hasSameBytes(as: right.value)
    }

    /// Hashes the text's bytes.
    public func hash(into hasher: inout Hasher) {
        var text = value
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension JSONString: ExpressibleByStringInterpolation, CustomStringConvertible {
    /// A string in the canonical spelling.
    public init(stringLiteral value: String) { self.init(value) }

    /// The text.
    public var description: String { value }
}

extension String {
    /// Whether both hold the same UTF-8. `==` would also call canonically equivalent texts equal, which JSON does not.
    @inline(__always)
    func hasSameBytes(as other: String) -> Bool {
        // Equal representations are equal texts. Short strings, so most keys, are decided here.
        if MemoryLayout<String>.size == MemoryLayout<(UInt64, UInt64)>.size {
            let left = unsafeBitCast(self, to: (UInt64, UInt64).self)
            let right = unsafeBitCast(other, to: (UInt64, UInt64).self)
            if left == right { return true }
        }
        return utf8.count == other.utf8.count && comparesEqual(to: other)
    }

    @inline(never)
    private func comparesEqual(to other: String) -> Bool {
        utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                for index in left.indices where left[index] != right[index] { return false }
                return true
            }
        }?.flatMap(\.self) ?? utf8.elementsEqual(other.utf8)
    }
}
