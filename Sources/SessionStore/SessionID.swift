// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import JSONCore

/// The name of a session, checked: what a caller sends must not reach the file system unseen.
public struct SessionID: Sendable, Hashable, CustomStringConvertible {
    /// The name as given.
    public let rawValue: String

    /// The longest name, in bytes of UTF-8.
    public static let maximumLength = 256

    /// Checks a name.
    ///
    /// Throws ``SessionStoreError/Code/invalidName`` when it is empty, longer than ``maximumLength``, holds a path
    /// separator or a control character, or is `.` or `..`.
    public init(_ name: String) throws(SessionStoreError) {
        guard !name.isEmpty else {
            throw .invalidName("a session id must not be empty")
        }
        guard name.utf8.count <= Self.maximumLength else {
            throw .invalidName("a session id must not be longer than \(Self.maximumLength) bytes")
        }
        guard !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }) else {
            throw .invalidName("a session id must not hold a path separator")
        }
        guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .invalidName("a session id must not hold control characters")
        }
        guard name != ".", name != ".." else {
            throw .invalidName("a session id must not be a relative path")
        }
        rawValue = name
    }

    /// The file with the memory that an agent's sessions share: kept as a session, under a name that no session can have.
    public static let sharedMemory = SessionID(reserved: "/memory")
    /// The file with the model's replies that an agent's sessions share.
    public static let responseCache = SessionID(reserved: "/replies")

    /// Whether it is one of the two files beside an agent's sessions.
    public var isReserved: Bool { self == .sharedMemory || self == .responseCache }

    /// Whether it is the folder of one of them.
    static func isReserved(folder: String) -> Bool {
        folder == sharedMemory.folderName || folder == responseCache.folderName
    }

    private init(reserved name: String) { rawValue = name }

    /// A name that is in a file; nil when it is none.
    init?(stored name: String) {
        if let reserved = [Self.sharedMemory, .responseCache].first(where: { $0.rawValue == name }) {
            self = reserved
        } else if let session = try? SessionID(name) {
            self = session
        } else {
            return nil
        }
    }

    /// The name as given.
    public var description: String { rawValue }

    /// Compares bytes: two spellings of one character are two names, as they are two folders.
    public static func == (left: SessionID, right: SessionID) -> Bool {
        left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        for byte in rawValue.utf8 { hasher.combine(byte) }
    }

    /// The name of the session's folder: at most 200 bytes of letters, digits, `-`, `_`, `.`, `%` and `~`.
    ///
    /// Other bytes are written as `%XX`. A name that gets too long for a file name (255 bytes on Linux) is cut, and
    /// the digest of the whole name added behind a `~`, which occurs nowhere else.
    var folderName: String {
        let encoded = Self.percentEncoded(rawValue)
        guard encoded.utf8.count > 200 else { return encoded }
        return String(encoded.prefix(96)) + "~" + SHA256.hexDigest(of: rawValue)
    }

    /// Two hexadecimal digits that spread the sessions of an agent over 256 folders.
    var shard: String { String(SHA256.hexDigest(of: rawValue).prefix(2)) }

    private static func percentEncoded(_ name: String) -> String {
        var encoded = ""
        for (index, byte) in name.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "."):
                // A leading dot would hide the folder.
                encoded += index == 0 ? "%2E" : "."
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

/// The name of an agent: the folder its sessions are kept in.
public struct AgentName: Sendable, Hashable, CustomStringConvertible {
    /// The name as given.
    public let rawValue: String

    /// Checks a name.
    ///
    /// Throws ``SessionStoreError/Code/invalidName`` unless it is 1 to 64 letters, digits, `-` and `_` of ASCII.
    public init(_ name: String) throws(SessionStoreError) {
        guard isPlainName(name) else {
            throw .invalidName("an agent's name is 1 to 64 letters, digits, hyphens and underscores of ASCII")
        }
        rawValue = name
    }

    /// The name as given.
    public var description: String { rawValue }
}
