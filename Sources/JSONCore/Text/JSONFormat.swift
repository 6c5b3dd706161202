// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// How a value is laid out when written. Neither layout changes an order or a spelling.
public struct JSONFormat: Hashable, Sendable {
    let isPretty: Bool

    /// No white space.
    public static let compact = JSONFormat(isPretty: false)
    /// A line for each member and element, indented by two spaces a level.
    public static let pretty = JSONFormat(isPretty: true)
}

extension JSONValue: CustomStringConvertible {
    /// The value as UTF-8. Equal documents with equal spellings give equal bytes.
    public func bytes(_ format: JSONFormat = .compact) -> [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, format)
        return bytes
    }

    /// Appends the value as UTF-8.
    public func write(to bytes: inout [UInt8], _ format: JSONFormat = .compact) {
        Writer.append(self, format, to: &bytes)
    }

    /// The value as compact JSON text.
    public var description: String { String(decoding: bytes(), as: UTF8.self) }
}
