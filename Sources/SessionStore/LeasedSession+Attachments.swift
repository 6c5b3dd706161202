// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

extension LeasedSession {
    // MARK: - Writing

    /// Writes an attachment whose bytes come in chunks, each of which is asked for when those before it are written.
    ///
    /// Throws what ``write(_:to:)`` and ``finish(_:)`` throw.
    @discardableResult
    public mutating func attach(
        _ name: String,
        _ chunks: some Sequence<[UInt8]>
    ) throws(SessionStoreError) -> StoredAttachment {
        var writer = try beginAttachment(name)
        for chunk in chunks { try write(chunk, to: &writer) }
        return try finish(writer)
    }

    /// Begins an attachment, which belongs to the newest turn. Nothing is written yet.
    ///
    /// Throws ``SessionStoreError/Code/invalidName`` unless the name is 1 to 256 bytes without control characters.
    public func beginAttachment(_ name: String) throws(SessionStoreError) -> AttachmentWriter {
        try StoredAttachment.check(name)
        let turns = try sqlite(at: "attach") { () throws(SQLiteError) in
            try connection.query("SELECT turn FROM log ORDER BY seq DESC LIMIT 1") { row throws(SQLiteError) in
                try row.int(0)
            }
        }
        return AttachmentWriter(name: name, turn: Int(turns.first ?? 0), owner: owner)
    }

    /// Adds bytes to an attachment.
    ///
    /// They are kept until there are 512 KiB, which are one commit: one write and one sync. When the log gets longer than
    /// 1 MiB it is copied into the database: three more syncs. Entries may be appended in between.
    ///
    /// Throws ``SessionStoreError``: `tooLarge` above ``StoredAttachment/maximumSize``, `noSuchAttachment` when the same name was
    /// begun again in the meantime, `released`, `fenced`, and the errors of the file system.
    public mutating func write(_ bytes: [UInt8], to writer: inout AttachmentWriter) throws(SessionStoreError) {
        try check(writer)
        guard bytes.count <= StoredAttachment.maximumSize - writer.size else {
            writer.isTooLarge = true
            writer.part = []
            if writer.hasBegun { try remove(writer.id) }
            throw .tooLarge
        }
        writer.size += bytes.count
        var rest = bytes[...]
        while !rest.isEmpty {
            // Not as soon as it is full: the last part goes with the commit that makes the attachment visible.
            if writer.part.count == StoredAttachment.partSize { try writePart(of: &writer) }
            let next = rest.prefix(StoredAttachment.partSize - writer.part.count)
            writer.part += next
            rest.removeFirst(next.count)
        }
    }

    /// Writes what is left and makes the attachment visible, in one commit. One of that name that the same turn had
    /// before is gone then: a tool that runs again attaches its result again.
    ///
    /// Throws what ``write(_:to:)`` throws.
    @discardableResult
    public mutating func finish(_ writer: consuming AttachmentWriter) throws(SessionStoreError) -> StoredAttachment {
        try check(writer)
        let attachment = StoredAttachment(name: writer.name, turn: writer.turn, size: writer.size, time: now())
        try writePart(of: &writer, completing: attachment)
        return attachment
    }

    /// Gives an attachment up and removes its bytes: one commit if there are any in the file.
    ///
    /// Throws ``SessionStoreError/Code/released``, ``SessionStoreError/Code/fenced`` and the errors of the file system.
    public mutating func abandon(_ writer: consuming AttachmentWriter) throws(SessionStoreError) {
        if writer.hasBegun, writer.owner == owner { try remove(writer.id) }
    }

    private func check(_ writer: borrowing AttachmentWriter) throws(SessionStoreError) {
        guard writer.owner == owner else { throw .released(at: "attach") }
        if writer.isTooLarge { throw .tooLarge }
    }

    private mutating func writePart(
        of writer: inout AttachmentWriter,
        completing attachment: StoredAttachment? = nil
    ) throws(SessionStoreError) {
        // Taken out, so that no second copy is made of it.
        let part = writer.part
        writer.part = []
        let (id, name, turn, start, isNew) = (writer.id, writer.name, writer.turn, writer.written, !writer.hasBegun)
        try commit(endsTurn: false) { (session, epoch) throws(SessionStoreError) in
            if isNew {
                // What a crash has left, and what this replaces.
                try session.delete(
                    where: "size IS NULL AND (epoch <> ? OR (name = ? AND turn = ?))",
                    .integer(epoch), .text(name), .integer(Int64(turn)))
                try session.insert(id, name: name, turn: turn, epoch: epoch, at: session.now())
            }
            if !part.isEmpty { try session.insert(part, of: id, at: start) }
            if let attachment { try session.complete(id, as: attachment) }
        }
        writer.hasBegun = true
        writer.written += part.count
        try checkpointIfLong()
    }

    private mutating func remove(_ id: Int64) throws(SessionStoreError) {
        try commit(endsTurn: false) { (session, _) throws(SessionStoreError) in
            try session.delete(where: "size IS NULL AND id = ?", .integer(id))
        }
    }

    /// Copies a long log into the database, so that neither the log nor the next lease's reading of it gets too long.
    private mutating func checkpointIfLong() throws(SessionStoreError) {
        do throws(SessionStoreError) {
            guard try logSize() > Self.checkpointThreshold else { return }
            _ = try sqlite(at: "checkpoint") { () throws(SQLiteError) in try connection.checkpoint(.truncate) }
        } catch {
            isDead = true
            throw error
        }
    }

    // MARK: - Inside of a transaction

    func insert(_ id: Int64, name: String, turn: Int, epoch: Int64, at time: Int64) throws(SessionStoreError) {
        _ = try sqlite(at: "attach") { () throws(SQLiteError) in
            try connection.run(
                "INSERT INTO attachments (id, name, turn, epoch, at) VALUES (?, ?, ?, ?, ?)",
                .integer(id), .text(name), .integer(Int64(turn)), .integer(epoch), .integer(time))
        }
    }

    func insert(_ part: [UInt8], of id: Int64, at start: Int) throws(SessionStoreError) {
        let inserted = try sqlite(at: "attach") { () throws(SQLiteError) in
            try connection.run(
                """
                INSERT INTO attachment_parts (attachment, start, body)
                SELECT id, ?, ? FROM attachments WHERE id = ? AND size IS NULL
                """,
                .integer(Int64(start)), .blob(part), .integer(id))
        }
        guard inserted == 1 else { throw .begunAnew }
    }

    func complete(_ id: Int64, as attachment: StoredAttachment) throws(SessionStoreError) {
        try delete(
            where: "size IS NOT NULL AND name = ? AND turn = ?",
            .text(attachment.name), .integer(Int64(attachment.turn)))
        let completed = try sqlite(at: "attach") { () throws(SQLiteError) in
            try connection.run(
                "UPDATE attachments SET size = ?, at = ? WHERE id = ? AND size IS NULL",
                .integer(Int64(attachment.size)), .integer(attachment.time), .integer(id))
        }
        guard completed == 1 else { throw .begunAnew }
    }

    private func delete(where condition: String, _ bindings: SQLiteValue...) throws(SessionStoreError) {
        try sqlite(at: "attach") { () throws(SQLiteError) in
            try connection.run(
                "DELETE FROM attachment_parts WHERE attachment IN (SELECT id FROM attachments WHERE \(condition))",
                bindings)
            try connection.run("DELETE FROM attachments WHERE \(condition)", bindings)
        }
    }
}

extension LeasedSession {
    // MARK: - Reading

    /// The attachments that are complete, by turn and name, without their bytes.
    public func attachments() throws(SessionStoreError) -> [StoredAttachment] {
        try attachments("ORDER BY turn, name")
    }

    /// The newest attachment of a name; nil when there is none.
    /// - Parameter turn: Passes over those of later turns.
    public func attachment(_ name: String, throughTurn turn: Int = .max) throws(SessionStoreError) -> StoredAttachment?
    {
        try attachments("AND name = ? AND turn <= ? ORDER BY turn DESC LIMIT 1", .text(name), .integer(Int64(turn)))
            .first
    }

    /// Some of an attachment's bytes from a place on: at least one, and at most a part of 512 KiB, so that the whole is
    /// never in memory; none from its end on. The next ones begin behind them.
    ///
    /// Throws ``SessionStoreError``: `noSuchAttachment` when it was replaced or is not this session's, `damaged` when the
    /// file lacks its bytes, and the errors of the file system.
    /// - Parameters:
    ///   - offset: The place of the first byte, from 0 on.
    ///   - count: How many are wanted at most.
    public func bytes(
        of attachment: StoredAttachment,
        from offset: Int = 0,
        count: Int = .max
    ) throws(SessionStoreError) -> [UInt8] {
        let ids = try sqlite(at: "read attachment") { () throws(SQLiteError) in
            try connection.query(
                "SELECT id FROM attachments WHERE name = ? AND turn = ? AND size = ? AND at = ?",
                .text(attachment.name), .integer(Int64(attachment.turn)), .integer(Int64(attachment.size)),
                .integer(attachment.time)
            ) { row throws(SQLiteError) in try row.int(0) }
        }
        guard let id = ids.first else { throw .noSuchAttachment("the session has no such attachment any more") }
        guard offset >= 0, offset < attachment.size, count > 0 else { return [] }
        // Two statements: sorting the rows of a join, SQLite would hold every part that lies before the place.
        let found = try sqlite(at: "read attachment") { () throws(SQLiteError) in
            try connection.query(
                "SELECT start, body FROM attachment_parts WHERE attachment = ? AND start <= ? ORDER BY start DESC LIMIT 1",
                .integer(id), .integer(Int64(offset))
            ) { row throws(SQLiteError) in (start: Int(try row.int(0)), bytes: try row.blob(1)) }
        }
        guard let part = found.first, part.start >= 0, offset - part.start < part.bytes.count,
            part.bytes.count <= attachment.size - part.start
        else {
            throw SessionStoreError(
                .damaged, at: "read attachment", "a part of an attachment is missing; restore it from a backup")
        }
        let skipped = offset - part.start
        if skipped == 0, count >= part.bytes.count { return part.bytes }
        return Array(part.bytes[skipped..<min(part.bytes.count, skipped + min(count, part.bytes.count))])
    }

    private func attachments(
        _ clause: String, _ bindings: SQLiteValue...
    ) throws(SessionStoreError) -> [StoredAttachment] {
        try sqlite(at: "read attachment") { () throws(SQLiteError) in
            try connection.query(
                "SELECT name, turn, size, at FROM attachments WHERE size IS NOT NULL \(clause)", bindings
            ) { row throws(SQLiteError) in
                StoredAttachment(
                    name: try row.text(0),
                    turn: Int(try row.int(1)),
                    size: Int(try row.int(2)),
                    time: try row.int(3)
                )
            }
        }
    }
}

extension SessionStoreError {
    fileprivate static let begunAnew = noSuchAttachment("an attachment of the same name was begun since")
}
