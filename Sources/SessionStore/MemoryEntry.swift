// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A text in a session's memory, without the text.
public struct MemoryEntry: Sendable, Hashable {
    /// Where it is.
    public let path: MemoryPath
    /// Its length, in bytes of UTF-8.
    public let size: Int
    /// Counts the texts that it has had at this path or under an earlier name, from 1 on.
    public let version: Int
    /// How often it was read or changed through ``LeasedSession/noteUse(of:)`` or ``LeasedSession/change(_:recording:applying:)``.
    public let uses: Int
    /// When it was last used, in milliseconds since 1970; nil for never.
    public let used: Int64?
    /// When its text was written, in milliseconds since 1970.
    public let updated: Int64

    /// The longest text, in bytes of UTF-8: 1 MiB, which is also above what the model's context window holds.
    public static let maximumSize = 1 << 20
}

/// A text that a search has found.
public struct MemoryMatch: Sendable, Hashable {
    /// Where it is.
    public let path: MemoryPath
    /// Some words around what was looked for.
    public let excerpt: String
}

/// A change of a session's memory.
public enum MemoryChange: Sendable, Hashable {
    /// Writes a text, new or in place of another one.
    case write(MemoryPath, text: String)
    /// Removes a text, or a folder with everything below it.
    case remove(MemoryPath)
    /// Gives a text, or a folder, another path, where nothing is yet.
    case move(MemoryPath, to: MemoryPath)
}

/// A tool call that changes a memory of several sessions.
public struct AppliedCall: Sendable, Hashable {
    /// The same for each attempt of the call, and for no other call.
    public let key: String
    /// What it is answered with.
    public let answer: String

    /// How many are kept: the newest ones.
    ///
    /// A call that is run again after that many further changes of the memory is taken for a new one. An interrupted call is
    /// run again by the next delivery of its request, or by the session's next input.
    public static let maximumCount = 4096

    /// Creates a record.
    public init(key: String, answer: String) {
        self.key = key
        self.answer = answer
    }
}
