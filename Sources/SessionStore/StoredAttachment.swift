// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// A result too large for the log: bytes with a name, kept in the session's file and read in pieces.
///
/// It belongs to the turn that was the newest one when it was begun. A later turn may attach the same name again: then
/// both are kept, and the newer one is meant, so that a fork at the earlier turn has what was there. Going back to an
/// earlier turn removes none.
public struct StoredAttachment: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The turn that it was attached in; 0 before the first.
    public let turn: Int
    /// The number of its bytes.
    public let size: Int
    /// When its last byte was written, in milliseconds since 1970, by the clock of the sandbox that wrote it.
    public let time: Int64

    /// The largest size, in bytes: 64 MiB.
    public static let maximumSize = 64 << 20

    /// The size of a part, in bytes: a commit with it fits into the 1 MiB that the file layer writes at once.
    static let partSize = 512 << 10

    static func check(_ name: String) throws(SessionStoreError) {
        guard (1...256).contains(name.utf8.count),
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw .invalidName("an attachment's name is 1 to 256 bytes without control characters") }
    }
}

/// An attachment that is being written, under the lease that began it.
///
/// Dropping it leaves parts that nobody can read, which the next attachment under another lease removes;
/// ``LeasedSession/abandon(_:)`` removes them at once.
public struct AttachmentWriter: ~Copyable, Sendable {
    /// The name that it was begun under.
    public let name: String
    /// The turn that it belongs to.
    public let turn: Int
    /// The number of bytes so far.
    public internal(set) var size = 0
    // Random, so that no two attachments ever have one id, and a writer whose rows were removed finds nothing.
    let id = Int64.random(in: 1 ... .max)
    let owner: String
    /// What is not in the file yet.
    var part: [UInt8] = []
    /// How many bytes are in the file.
    var written = 0
    /// Whether the file knows of it.
    var hasBegun = false
    var isTooLarge = false

    init(name: String, turn: Int, owner: String) {
        self.name = name
        self.turn = turn
        self.owner = owner
    }
}

extension SessionStoreError {
    static let tooLarge = SessionStoreError(
        .tooLarge,
        at: "attach",
        "an attachment has at most \(StoredAttachment.maximumSize) bytes; nothing of this one is kept"
    )

    static func noSuchAttachment(_ detail: String) -> SessionStoreError {
        SessionStoreError(.noSuchAttachment, at: "attachment", detail)
    }
}
