// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The header fields of a message, in order, with names that compare without regard to case.
///
/// A field that is present and empty is not the same as one that is missing: its value is `""`, not `nil`.
public struct HTTPFields: Sendable, Hashable {
    /// One header line.
    public struct Field: Sendable, Hashable {
        /// The name as it was given or received.
        public var name: String
        /// The value without surrounding blanks. Bytes of a received value that are not UTF-8 are replaced by U+FFFD.
        public var value: String

        /// Makes a field; names and values are checked when a request is made.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    private var fields: [Field] = []

    /// Makes an empty list.
    public init() {}

    /// The value of the first field of that name, `nil` when there is none.
    ///
    /// Setting a value puts one field in the place of all of that name (at the end when there was none); setting `nil`
    /// removes them.
    public subscript(name: String) -> String? {
        get { fields.first { $0.name.isEqualIgnoringASCIICase(name) }?.value }
        set {
            let place = fields.firstIndex { $0.name.isEqualIgnoringASCIICase(name) }
            fields.removeAll { $0.name.isEqualIgnoringASCIICase(name) }
            if let newValue {
                fields.insert(Field(name: name, value: newValue), at: place ?? fields.endIndex)
            }
        }
    }

    /// The values of all fields of that name, in order.
    public func values(for name: String) -> [String] {
        fields.filter { $0.name.isEqualIgnoringASCIICase(name) }.map(\.value)
    }

    /// Whether there is a field of that name, empty or not.
    public func contains(name: String) -> Bool {
        fields.contains { $0.name.isEqualIgnoringASCIICase(name) }
    }

    /// Adds a field at the end and keeps others of the same name.
    public mutating func append(name: String, value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds a continuation line (obsolete line folding) to the last field.
    mutating func fold(_ continuation: String) {
        guard var last = fields.popLast() else { return }
        last.value += last.value.isEmpty || continuation.isEmpty ? continuation : " " + continuation
        fields.append(last)
    }
}

extension HTTPFields: RandomAccessCollection {
    /// The position of the first field: 0.
    public var startIndex: Int { fields.startIndex }
    /// The position after the last field.
    public var endIndex: Int { fields.endIndex }
    /// The field at a position.
    public subscript(position: Int) -> Field { fields[position] }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    /// Makes a list in the order of the literal; names may repeat.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }
}

extension String {
    /// Compares as RFC 9110 compares field names: ASCII letters without regard to case, everything else exactly.
    func isEqualIgnoringASCIICase(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        // The same bytes, which is what most names turn out to be, are found out about much sooner.
        return self == other
            || zip(utf8, other.utf8).allSatisfy { $0 == $1 || $0.asciiLowercased == $1.asciiLowercased }
    }
}

extension UInt8 {
    /// The lower-case letter of an ASCII capital, any other byte as it is.
    var asciiLowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
