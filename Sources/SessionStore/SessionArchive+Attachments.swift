// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore

extension SessionArchive {
    /// An attachment with its bytes.
    struct ArchivedAttachment: Sendable {
        let attachment: StoredAttachment
        /// As they lie in the file.
        var parts: [[UInt8]] = []
    }

    /// The lines of an attachment: itself, and each of its parts.
    static func line(_ index: Int, of archived: ArchivedAttachment) -> JSONValue {
        let attachment = archived.attachment
        var line: JSONObject = [
            "table": index == 0 ? "attachments" : "attachment_parts", "name": .init(attachment.name),
            "turn": .init(attachment.turn),
        ]
        if index == 0 {
            line["size"] = .init(attachment.size)
            line["at"] = .init(Int(attachment.time))
        } else {
            line["body"] = .init(Base64.encode(archived.parts[index - 1]))
        }
        return .object(line)
    }

    /// Reads one such line.
    static func read(
        _ line: JSONValue, _ number: Int, into attachments: inout [ArchivedAttachment]
    ) throws(SessionStoreError) {
        guard let name = line["name"]?.string, let turn = line["turn"]?.int else {
            throw .invalidArchive(number, "it names no attachment")
        }
        if line["table"]?.string == "attachments" {
            guard let size = line["size"]?.int, let time = line["at"]?.int, turn >= 0,
                (0...StoredAttachment.maximumSize).contains(size), (try? StoredAttachment.check(name)) != nil
            else { throw .invalidArchive(number, "a field of the attachment is missing or out of range") }
            let attachment = StoredAttachment(name: name, turn: turn, size: size, time: Int64(time))
            attachments.append(ArchivedAttachment(attachment: attachment))
            return
        }
        guard let last = attachments.last?.attachment, last.name == name, last.turn == turn else {
            throw .invalidArchive(number, "the part does not follow its attachment")
        }
        guard let body = line["body"]?.string.flatMap(Base64.decode), !body.isEmpty else {
            throw .invalidArchive(number, "its body is no base64")
        }
        attachments[attachments.count - 1].parts.append(body)
    }

    /// Throws unless each attachment is there once and has all of its bytes.
    func checkAttachments(lines: Int) throws(SessionStoreError) {
        guard Set(attachments.map { [$0.attachment.name, "\($0.attachment.turn)"] }).count == attachments.count else {
            throw .invalidArchive(lines, "two attachments have one name and one turn")
        }
        for archived in attachments where archived.parts.reduce(0, { $0 + $1.count }) != archived.attachment.size {
            throw .invalidArchive(lines, "parts of an attachment are missing")
        }
    }
}

extension LeasedSession {
    /// Reads the attachments with their bytes.
    func archivedAttachments() throws(SessionStoreError) -> [SessionArchive.ArchivedAttachment] {
        var archived: [SessionArchive.ArchivedAttachment] = []
        for attachment in try attachments() {
            var next = SessionArchive.ArchivedAttachment(attachment: attachment)
            try forEachPart(of: attachment) { (_, part) throws(SessionStoreError) in next.parts.append(part) }
            archived.append(next)
        }
        return archived
    }

    /// Writes an archive's attachments, inside of a transaction.
    func insert(_ archived: [SessionArchive.ArchivedAttachment], epoch: Int64) throws(SessionStoreError) {
        for archived in archived {
            let id = try insert(archived.attachment, epoch: epoch)
            var start = 0
            for part in archived.parts {
                try insert(part, of: id, at: start)
                start += part.count
            }
            try complete(id, as: archived.attachment)
        }
    }

    /// Copies another session's attachments, inside of a transaction, with one part at a time in memory.
    func copyAttachments(
        of source: borrowing LeasedSession,
        throughTurn turn: Int,
        epoch: Int64
    ) throws(SessionStoreError) {
        for attachment in try source.attachments() where attachment.turn <= turn {
            let id = try insert(attachment, epoch: epoch)
            try source.forEachPart(of: attachment) { (start, part) throws(SessionStoreError) in
                try insert(part, of: id, at: start)
            }
            try complete(id, as: attachment)
        }
    }

    private func insert(_ attachment: StoredAttachment, epoch: Int64) throws(SessionStoreError) -> Int64 {
        let id = Int64.random(in: 1 ... .max)
        try insert(id, name: attachment.name, turn: attachment.turn, epoch: epoch, at: attachment.time)
        return id
    }

    private func forEachPart(
        of attachment: StoredAttachment,
        _ body: (_ start: Int, _ part: [UInt8]) throws(SessionStoreError) -> Void
    ) throws(SessionStoreError) {
        var start = 0
        while start < attachment.size {
            let part = try bytes(of: attachment, from: start)
            try body(start, part)
            start += part.count
        }
    }
}
