// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The name of a text in a session's memory: names with slashes between them, such as `notes/today.txt`.
///
/// Memory is rows and not files, so a path leads nowhere else. What would be one that does in a file system is refused all
/// the same: a memory may be written out as files one day. A folder is there as long as a text is below it.
public struct MemoryPath: Sendable, Hashable, CustomStringConvertible {
    /// The path as given.
    public let rawValue: String

    /// The longest path, in bytes of UTF-8: a quarter of Linux' PATH_MAX, so that there is room for a folder before it.
    public static let maximumLength = 1024
    /// The longest name in a path, in bytes of UTF-8: Linux' NAME_MAX.
    public static let maximumNameLength = 255

    /// Checks a path.
    ///
    /// Throws ``SessionStoreError/Code/invalidName`` when it or one of its names is empty or too long, a name is `.` or
    /// `..`, or it holds a control character, a backslash, or one of `.`, `/` and `\` as a URL would write it (`%2e`, `%2f`,
    /// `%5c`).
    public init(_ path: String) throws(SessionStoreError) {
        guard (1...Self.maximumLength).contains(path.utf8.count) else {
            throw .invalidName("the path of a memory is 1 to \(Self.maximumLength) bytes long")
        }
        for name in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard (1...Self.maximumNameLength).contains(name.count) else {
                throw .invalidName("a name in the path of a memory is 1 to \(Self.maximumNameLength) bytes long")
            }
            guard name.contains(where: { $0 != UInt8(ascii: ".") }) || name.count > 2 else {
                throw .invalidName("a name in the path of a memory must not be . or ..")
            }
        }
        guard !path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control || $0 == "\\" }) else {
            throw .invalidName("the path of a memory must not hold control characters or backslashes")
        }
        let escaped = path.utf8.indices.contains { index in
            let code = path.utf8[index...].prefix(3).map { $0 | 0x20 }
            return code == Array("%2e".utf8) || code == Array("%2f".utf8) || code == Array("%5c".utf8)
        }
        guard !escaped else { throw .invalidName("the path of a memory must not hold %2e, %2f or %5c") }
        rawValue = path
    }

    /// As it is in the file.
    init(stored path: String) { rawValue = path }

    /// The path as given.
    public var description: String { rawValue }

    /// The folders that it is in, the outermost first.
    var folders: [String] {
        rawValue.utf8.indices.filter { rawValue.utf8[$0] == UInt8(ascii: "/") }.map { String(rawValue[..<$0]) }
    }

    /// Compares bytes: two spellings of one character are two names.
    public static func == (left: MemoryPath, right: MemoryPath) -> Bool {
        left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        for byte in rawValue.utf8 { hasher.combine(byte) }
    }
}
