// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
public import JSONCore
import SQLiteDriver

/// A session as JSON Lines.
///
/// ```
/// {"perdure":"session","version":1,"agent":"support","session":"ada","identity":"…","created":…}
/// {"table":"log","seq":1,"turn":1,"kind":"input","call":null,"at":…,"body":{…}}
/// {"table":"log","seq":2,"turn":1,"kind":"reply","call":null,"at":…,"body":{…},"outcome":{"status":"completed","reply":"…"}}
/// {"table":"requests","id":"…","turn":1,"seq":1}
/// {"table":"calls","id":"1.0","tool":"…","effect":"once","state":"settled","attempt":1,"epoch":2}
/// {"table":"attachments","name":"page.html","turn":1,"size":700000,"at":…}
/// {"table":"attachment_parts","name":"page.html","turn":1,"body":"…"}
/// ```
extension SessionArchive {
    private static let version = 1
    /// Columns whose text is JSON, and is written as such.
    private static let jsonColumns: Set = ["payload"]

    /// The lines, without their line breaks. Those of attachments are made one by one.
    public var lines: some Sequence<JSONValue> {
        let others = zip(Schema.indexes, rows).lazy.flatMap { table, rows in
            rows.lazy.map { Self.line(table.name, zip(table.columns, $0)) }
        }
        let log = entries.lazy.map { stored -> JSONValue in
            var line: JSONObject = [
                "table": "log", "seq": .init(stored.sequence), "turn": .init(stored.entry.turn),
                "kind": .init(stored.entry.kind.rawValue),
                "call": stored.entry.position.map { .init($0.description) } ?? .null, "at": .init(Int(stored.time)),
                "body": stored.entry.body,
            ]
            if let outcome = stored.outcome { line["outcome"] = .object(outcome.json) }
            return .object(line)
        }
        let rows = [header] + log + others
        let attachments = attachments
        return (-1..<attachments.count).lazy.flatMap { group in
            (0..<(group < 0 ? rows.count : attachments[group].parts.count + 1)).lazy.map { index in
                group < 0 ? rows[index] : Self.line(index, of: attachments[group])
            }
        }
    }

    private var header: JSONValue {
        var header: JSONObject = [
            "perdure": "session", "version": .init(Self.version), "agent": .init(names.agent),
            "session": .init(names.session), "identity": .init(identity), "created": .init(Int(created)),
        ]
        if let origin { header["origin"] = origin.json }
        return .object(header)
    }

    private static func line(_ table: String, _ columns: some Sequence<(String, SQLiteValue)>) -> JSONValue {
        var line: JSONObject = ["table": .init(table)]
        for (column, value) in columns {
            switch value {
            case .integer(let number): line[column] = .init(Int(number))
            case .text(let text):
                let json = jsonColumns.contains(column) ? try? JSONValue(parsing: text.utf8) : nil
                line[column] = json ?? .init(text)
            default: line[column] = .null
            }
        }
        return .object(line)
    }

    /// Reads what lines wrote.
    ///
    /// Throws SessionStoreError/Code/invalidArchive with the number of the line that is wrong, and
    /// SessionStoreError/Code/newerSchema for an archive of a later version of this library.
    public init(lines: some Sequence<JSONValue>) throws(SessionStoreError) {
        var number = 0
        var header: JSONValue?
        var history = History()
        var attachments: [ArchivedAttachment] = []
        entries = []
        rows = Schema.indexes.map { _ in [] }
        for line in lines {
            number += 1
            if header == nil {
                header = try Self.checkedHeader(line)
                continue
            }
            let table = line["table"]?.string
            if table == "log" {
                let stored = try Self.entry(line, number)
                guard stored.sequence > entries.last?.sequence ?? 0 else {
                    throw .invalidArchive(number, "its seq does not follow the one before")
                }
                do throws(LoopError) {
                    try history.apply(stored.entry)
                } catch {
                    throw .invalidArchive(number, "\(error)")
                }
                entries.append(stored)
            } else if table == "attachments" || table == "attachment_parts" {
                try Self.read(line, number, into: &attachments)
            } else if let index = Schema.indexes.firstIndex(where: { $0.name == table }) {
                if table == "memory" { try Self.checkMemory(line, number) }
                rows[index].append(
                    try Schema.indexes[index].columns.map { column throws(SessionStoreError) in
                        try Self.value(line, column, number)
                    })
            } else {
                throw .invalidArchive(number, "it belongs to no table that this library knows")
            }
        }
        guard let header, let agent = header["agent"]?.string, let session = header["session"]?.string,
            let identity = header["identity"]?.string, let created = header["created"]?.int
        else { throw .invalidArchive(1, "it does not say whose session it is") }
        names = SessionNames(agent: agent, session: session)
        self.identity = identity
        self.created = Int64(created)
        origin = header["origin"].flatMap(Origin.init(json:))
        self.attachments = attachments
        try checkAttachments(lines: number)
    }

    /// Whoever reads a memory relies on its path.
    private static func checkMemory(_ line: JSONValue, _ number: Int) throws(SessionStoreError) {
        guard let path = line["path"]?.string, (try? MemoryPath(path)) != nil,
            let text = line["text"]?.string, text.utf8.count <= MemoryEntry.maximumSize
        else { throw .invalidArchive(number, "it is no memory") }
    }

    private static func checkedHeader(_ line: JSONValue) throws(SessionStoreError) -> JSONValue {
        guard line["perdure"]?.string == "session", let found = line["version"]?.int else {
            throw .invalidArchive(1, "it is not the head of a session")
        }
        guard found <= version else {
            throw SessionStoreError(
                .newerSchema, at: "import", "the archive has version \(found) and this library knows \(version)")
        }
        return line
    }

    private static func entry(_ line: JSONValue, _ number: Int) throws(SessionStoreError) -> StoredEntry {
        guard let sequence = line["seq"]?.int, let turn = line["turn"]?.int, let time = line["at"]?.int,
            let kind = line["kind"]?.string.flatMap(Entry.Kind.init), let body = line["body"]
        else { throw .invalidArchive(number, "a field of the entry is missing or of the wrong type") }
        let call = line["call"]?.string
        let position = call.flatMap(CallPosition.init)
        guard (call == nil) == (position == nil) else { throw .invalidArchive(number, "it names no call") }
        let outcome = line["outcome"].flatMap(Outcome.init(json:))
        guard (outcome == nil) == (line["outcome"] == nil) else { throw .invalidArchive(number, "its outcome is none") }
        do throws(LoopError) {
            let entry = try Entry(turn: turn, kind: kind, position: position, body: body)
            return StoredEntry(sequence: sequence, time: Int64(time), entry: entry, outcome: outcome)
        } catch {
            throw .invalidArchive(number, "\(error)")
        }
    }

    private static func value(
        _ line: JSONValue, _ column: String, _ number: Int
    ) throws(SessionStoreError) -> SQLiteValue {
        guard let value = line[column] else { throw .invalidArchive(number, "it has no \(column)") }
        if value.isNull { return .null }
        if jsonColumns.contains(column) { return .text(value.description) }
        if let text = value.string { return .text(text) }
        guard let integer = value.int else { throw .invalidArchive(number, "its \(column) is no text and no integer") }
        return .integer(Int64(integer))
    }
}

extension SessionArchive.Origin {
    var json: JSONValue { ["session": .init(session), "turn": .init(turn)] }

    init?(json: JSONValue) {
        guard let session = json["session"]?.string, let turn = json["turn"]?.int else { return nil }
        self.init(session: session, turn: turn)
    }
}

extension SessionStoreError {
    static func invalidArchive(_ line: Int, _ reason: String) -> SessionStoreError {
        SessionStoreError(.invalidArchive, at: "import", "line \(line): \(reason)")
    }
}
