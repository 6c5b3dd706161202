// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension JSONValue {
    /// Reads one JSON document (RFC 8259, nothing beyond it) from UTF-8 bytes.
    ///
    /// - Parameters:
    ///   - bytes: The document: an array, a slice, `string.utf8`, a raw buffer. Read in place when contiguous.
    ///   - maximumDepth: How many arrays and objects may be nested. Values above ``maximumParsingDepth`` count as that.
    /// - Throws: ``JSONError`` with the offset of the first byte that can not be accepted.
    public init(parsing bytes: some Collection<UInt8>, maximumDepth: Int = 512) throws(JSONError) {
        let result = bytes.withContiguousStorageIfAvailable { buffer in
            Parser.parse(UnsafeRawBufferPointer(buffer), maximumDepth: maximumDepth)
        }
        if let result {
            self = try result.get()
        } else {
            self = try Array(bytes).withUnsafeBytes { Parser.parse($0, maximumDepth: maximumDepth) }.get()
        }
    }

    /// Reads one JSON document from a span of UTF-8 bytes.
    ///
    /// - Throws: ``JSONError`` with the offset of the first byte that can not be accepted.
    public init(parsing bytes: RawSpan, maximumDepth: Int = 512) throws(JSONError) {
        self = try bytes.withUnsafeBytes { Parser.parse($0, maximumDepth: maximumDepth) }.get()
    }

    /// The deepest nesting that ``init(parsing:maximumDepth:)`` accepts, whatever its caller asks for.
    ///
    /// Reading, writing and comparing do not recurse, but releasing a value does: measured at 145 bytes of stack for each
    /// level (227 in a debug build), where some threads have only 512 KiB. Decoding a type that contains itself takes 660
    /// (1340) bytes and more for each level.
    public static var maximumParsingDepth: Int { 1024 }
}
