// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// Why a document could not be read, or why no schema could be derived. Never holds the document's content.
public struct JSONError: Error, CustomStringConvertible {
    /// What went wrong. Later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Known: String {
            case emptyInput = "no value in the input"
            case unexpectedEnd = "the input ends inside a value"
            case unexpectedByte = "a byte that can not stand here"
            case trailingBytes = "bytes after the value"
            case byteOrderMark = "a byte order mark before the value"
            case depthExceeded = "arrays and objects are nested too deeply"
            case invalidNumber = "a number that JSON does not allow"
            case invalidEscape = "an escape that JSON does not allow"
            case loneSurrogate = "half of a surrogate pair"
            case controlCharacter = "an unescaped control character in a string"
            case invalidUTF8 = "bytes that are not UTF-8"
            case unsupportedShape = "no schema can be derived from how the type decodes itself"
            case recursiveType = "the type contains itself"
            case unknownProperty = "a description for a property that the type does not decode"
        }

        private let known: Known

        /// No value in the input.
        public static let emptyInput = Code(known: .emptyInput)
        /// The input ends inside a value.
        public static let unexpectedEnd = Code(known: .unexpectedEnd)
        /// A byte that can not stand where it does.
        public static let unexpectedByte = Code(known: .unexpectedByte)
        /// Bytes other than white space after the value.
        public static let trailingBytes = Code(known: .trailingBytes)
        /// A byte order mark before the value (RFC 8259, section 8.1).
        public static let byteOrderMark = Code(known: .byteOrderMark)
        /// Arrays and objects are nested more deeply than the caller allows.
        public static let depthExceeded = Code(known: .depthExceeded)
        /// A number outside the grammar, such as `01`, `1.` or `+1`.
        public static let invalidNumber = Code(known: .invalidNumber)
        /// An escape outside the grammar, such as `\x` or `\u12`.
        public static let invalidEscape = Code(known: .invalidEscape)
        /// An escaped surrogate without its other half.
        public static let loneSurrogate = Code(known: .loneSurrogate)
        /// A byte below 0x20 inside a string.
        public static let controlCharacter = Code(known: .controlCharacter)
        /// Bytes that are not UTF-8 inside a string.
        public static let invalidUTF8 = Code(known: .invalidUTF8)
        /// A type whose way of decoding itself has no schema that could be derived.
        public static let unsupportedShape = Code(known: .unsupportedShape)
        /// A type that contains itself.
        public static let recursiveType = Code(known: .recursiveType)
        /// A description names a property that the type does not decode.
        public static let unknownProperty = Code(known: .unknownProperty)

        /// The code as a phrase.
        public var description: String { known.rawValue }
    }

    /// What went wrong.
    public let code: Code
    /// Where in the input, counted in bytes from zero; nil for a schema.
    public let byteOffset: Int?
    /// The type and property concerned, and what to do; nil for a document.
    public let advice: String?
    /// The error that user code threw while its type was probed.
    public let cause: (any Error)?

    /// Always false: the same input fails again.
    public var isRetryable: Bool { false }

    init(_ code: Code, at byteOffset: Int) {
        self.code = code
        self.byteOffset = byteOffset
        advice = nil
        cause = nil
    }

    init(_ code: Code, advice: String, cause: (any Error)? = nil) {
        self.code = code
        byteOffset = nil
        self.advice = advice
        self.cause = cause
    }

    /// The code, the place and the advice.
    public var description: String {
        if let byteOffset { return "JSON at byte \(byteOffset): \(code)" }
        return "JSON schema: \(code)" + (advice.map { ": " + $0 } ?? "")
    }
}
