// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import FileLocking
import SQLiteDriver

/// Looks at everything in a session's files, and changes nothing.
struct SessionInspection {
    var report: SessionReport
    private(set) var audit = LogAudit()
    /// The rows of the tables that nothing in the log tells, in the order of `Schema.indexes`; empty where unreadable.
    private(set) var rows = Schema.indexes.map { _ in [[SQLiteValue]]() }
    /// The folder that a session of some names has below the root.
    private let place: (SessionNames) -> String?

    /// - Parameters:
    ///   - folder: The folder, below the root.
    ///   - place: Where a session of such names belongs; nil where anything may lie, and for names that are none.
    init(_ folder: String, place: @escaping (SessionNames) -> String?) {
        report = SessionReport(folder: folder)
        self.place = place
    }

    mutating func fail(_ error: SessionStoreError) { report.add(error) }

    mutating func run(on files: borrowing InspectedFiles) {
        do throws(SessionStoreError) {
            try examine(files)
        } catch {
            report.add(error)
        }
    }

    private mutating func examine(_ files: borrowing InspectedFiles) throws(SessionStoreError) {
        report.bytes = files.databaseSize + (files.log?.size ?? 0)
        try readInbox(of: files.offer.path)
        if try SessionFiles(path: files.offer.path).haveHotJournal() {
            report.add(
                .pendingJournal,
                "a program was interrupted while it wrote, and left s.db-journal; the next lease rolls it back")
            return
        }
        if try isUnwritten(files) { return }
        if !files.hadLog {
            report.add(
                .missingLog,
                "there is no s.db-wal: another program has emptied and removed it, or commits were lost with it")
        }
        if let log = files.log, let loss = try LogScan.loss(in: log) { report.add(.brokenLog, loss) }
        let connection = try sqlite(at: "verify") { () throws(SQLiteError) in
            let connection = try Connection(files: files.offer, mode: .readOnly)
            try connection.setCheckpointOnClose(false)
            // "When cell_size_check is enabled, database corruption is detected earlier".
            try connection.execute("PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;")
            return connection
        }
        try checkSchema(connection)
        checkIntegrity(connection)
        checkNames(connection)
        readLog(connection)
        checkTables(connection)
        checkAttachments(connection)
        checkMemory(connection)
        readOtherTables(connection)
    }

    /// Whether nothing is in the database, which is then said.
    private mutating func isUnwritten(_ files: borrowing InspectedFiles) throws(SessionStoreError) -> Bool {
        if files.databaseSize > Schema.pageSize { return false }
        let bytes = try locking { () throws(FileLockError) in
            try files.database.read(count: Int(files.databaseSize), at: 0)
        }
        if bytes.contains(where: { $0 != 0 }) { return false }
        if let log = files.log, try LogScan.hasHeader(log) {
            noteLostDatabase()
        } else {
            noteUnwritten()
        }
        return true
    }

    mutating func noteLostDatabase() {
        report.add(.lostDatabase, "s.db is missing or empty, and s.db-wal is not: a session is both files")
    }

    mutating func noteUnwritten() {
        report.add(
            .unwritten, "s.db is missing or empty: a creation was cut off, which the next lease ends, or all was lost")
    }

    private func checkSchema(_ connection: Connection) throws(SessionStoreError) {
        let (version, application) = try sqlite(at: "verify") { () throws(SQLiteError) in
            (
                Int(try connection.userVersion),
                try connection.query("PRAGMA application_id") { row throws(SQLiteError) in try row.int(0) }
            )
        }
        guard application == [Schema.applicationID] else {
            throw SessionStoreError(.foreignFile, at: "verify", "the file is a database, but no session's")
        }
        guard version <= Schema.version else {
            throw SessionStoreError(
                .newerSchema, at: "verify",
                "the file has schema version \(version) and this library knows \(Schema.version); it was not looked at")
        }
    }

    private mutating func checkIntegrity(_ connection: Connection) {
        collect(
            connection, "PRAGMA integrity_check(\(SessionReport.maximumFindings))",
            ofEach: {
                row throws(SQLiteError) in try row.text(0)
            }
        ) { text, inspection in
            // It begins a list that is about one table with a line of its own.
            for line in text.split(separator: "\n") where line != "ok" && !line.hasPrefix("***") {
                inspection.report.add(.malformed, "integrity_check: \(line)")
            }
        }
    }

    private mutating func checkNames(_ connection: Connection) {
        var found: [SessionNames] = []
        collect(
            connection, "SELECT agent, session, identity, created, epoch FROM meta",
            ofEach: {
                row throws(SQLiteError) in
                _ = (try row.text(2), try row.int(3), try row.int(4))
                return SessionNames(agent: try row.text(0), session: try row.text(1))
            }
        ) { names, _ in found.append(names) }
        guard let names = found.first else {
            if !report.isDamaged { report.add(.malformed, "the file does not say whose it is") }
            return
        }
        report.names = names
        if let place = place(names), place != report.folder {
            report.add(.wrongPlace, "the file is the one of \(place)")
        }
    }

    private mutating func readLog(_ connection: Connection) {
        let isRead = collect(
            connection, "SELECT seq, turn, kind, call, body, at, outcome FROM log ORDER BY seq",
            ofEach: { row throws(SQLiteError) in try StoredEntry.Row(row) }
        ) { row, inspection in
            inspection.audit.add(row, to: &inspection.report)
        }
        if !isRead { audit.breakOff() }
    }

    private mutating func checkTables(_ connection: Connection) {
        var requests: [String: LogAudit.Request] = [:]
        let hasRequests = collect(
            connection, "SELECT id, turn, seq FROM requests",
            ofEach: {
                row throws(SQLiteError) in
                (try row.text(0), LogAudit.Request(turn: Int(try row.int(1)), sequence: Int(try row.int(2))))
            }
        ) { request, _ in requests[request.0] = request.1 }
        if hasRequests { audit.compare(requests, in: &report) }

        var calls: [String: LogAudit.Call] = [:]
        let hasCalls = collect(
            connection, "SELECT id, tool, effect, state, attempt FROM calls",
            ofEach: {
                row throws(SQLiteError) in
                let call = LogAudit.Call(
                    tool: try row.text(1), effect: try row.text(2), state: try row.text(3), attempt: Int(try row.int(4))
                )
                return (try row.text(0), call)
            }
        ) { call, _ in calls[call.0] = call.1 }
        if hasCalls { audit.compare(calls, in: &report) }
    }

    private mutating func checkAttachments(_ connection: Connection) {
        // A blob's length is in the head of its row: the blob is not read for it.
        collect(
            connection,
            """
            SELECT turn FROM attachments WHERE size IS NOT NULL AND (size, size) <> (
                SELECT ifnull(sum(length(body)), 0), ifnull(max(start + length(body)), 0)
                FROM attachment_parts WHERE attachment = attachments.id)
            ORDER BY turn
            """,
            ofEach: { row throws(SQLiteError) in try row.int(0) }
        ) { turn, inspection in
            inspection.report.add(.attachments, "an attachment of turn \(turn) lacks some of its bytes")
        }
    }

    /// What makes a memory that cannot be searched or written, or one that seems empty.
    private mutating func checkMemory(_ connection: Connection) {
        collect(
            connection, "SELECT count(*) FROM sqlite_schema WHERE name IN ('memory', 'memory_index')",
            ofEach: { row throws(SQLiteError) in try row.int(0) }
        ) { count, inspection in
            if count == 1 { inspection.report.add(.malformed, "the memory and its index are not both there") }
        }
    }

    private mutating func readOtherTables(_ connection: Connection) {
        for (index, table) in Schema.indexes.enumerated() where !["requests", "calls"].contains(table.name) {
            // A schema that cannot be read is a finding already.
            if let isThere = try? Schema.has(table.name, in: connection), !isThere { continue }
            let columns = table.columns.joined(separator: ", ")
            collect(
                connection, "SELECT \(columns) FROM \(table.name) ORDER BY 1",
                ofEach: {
                    row throws(SQLiteError) in
                    var values: [SQLiteValue] = []
                    for column in table.columns.indices { values.append(try row.value(column)) }
                    return values
                }
            ) { row, inspection in inspection.rows[index].append(row) }
        }
    }

    /// Reads rows up to the first one that cannot be read, which becomes a finding. Whether all were read.
    @discardableResult
    private mutating func collect<Element>(
        _ connection: Connection,
        _ sql: String,
        ofEach read: (borrowing Row) throws(SQLiteError) -> Element,
        add: (Element, inout SessionInspection) -> Void
    ) -> Bool {
        do throws(SessionStoreError) {
            _ = try sqlite(at: "verify") { () throws(SQLiteError) in
                try connection.query(sql) { row throws(SQLiteError) in add(try read(row), &self) }
            }
            return true
        } catch {
            report.add(error)
            return false
        }
    }
}
