// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SQLiteDriver

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SessionStore {
    /// The folders below the root that hold a session's database or its log, in order: `<agent>/<2 hex digits>/<session>`.
    /// Folders that were moved aside are not among them.
    ///
    /// Reads the folders, and opens no file.
    public func folders() throws(SessionStoreError) -> [String] {
        var found: [String] = []
        for agent in try names(in: root) where (try? AgentName(agent)) != nil {
            for shard in try folders(in: "\(root)/\(agent)") where shard.utf8.count == 2 {
                for folder in try folders(in: "\(root)/\(agent)/\(shard)") {
                    let path = "\(agent)/\(shard)/\(folder)"
                    if exists("\(path)/s.db") || exists("\(path)/s.db-wal") { found.append(path) }
                }
            }
        }
        return found
    }

    /// The agents that have a session of that id, damaged or not, in order. Two look-ups for each agent.
    public func agents(having session: SessionID) throws(SessionStoreError) -> [AgentName] {
        var found: [AgentName] = []
        for name in try names(in: root) {
            guard let agent = try? AgentName(name) else { continue }
            let folder = path(of: session, agent: agent)
            if exists("\(folder)/s.db") || exists("\(folder)/s.db-wal") { found.append(agent) }
        }
        return found
    }

    /// Verifies a session: everything that its files hold, and whether it agrees with itself.
    ///
    /// Looks at SQLite's structures (`PRAGMA integrity_check`), the version, whether the file is the one of its folder,
    /// each entry and outcome, their order, whether requests and tool calls are what the log says, whether attachments have
    /// all of their bytes and the memory its index, and whether the write-ahead log has commits that are not read. It locks the files as a lease does, and reads all of them; no file
    /// is created or changed. A session that is leased is not looked at: see ``SessionReport/isBusy``.
    ///
    /// Throws ``SessionStoreError/Code/noSuchSession``; all else is in the report.
    public func verify(_ session: SessionID, of agent: AgentName) throws(SessionStoreError) -> SessionReport {
        try verify(folder: path(of: session, agent: agent))
    }

    /// Verifies the session in one of the ``folders()``, or in a folder that ``quarantine(folder:)`` moved it to.
    ///
    /// Throws ``SessionStoreError/Code/noSuchSession``, and ``SessionStoreError/Code/invalidName`` for a path that is
    /// none of a session.
    public func verify(folder: String) throws(SessionStoreError) -> SessionReport {
        try inspect(folder).report
    }

    /// What can be read of a damaged session, as something to make a new session from: the log up to the first entry that
    /// is unreadable or cannot follow, and of that the turns that are complete; and its memory.
    ///
    /// The new session has an identity of its own, also under the same names: positions of tool calls that were lost are
    /// given out again, and must not bring their idempotency keys along. Where the file does not say whose it is, the
    /// names are those of its folder.
    ///
    /// Throws ``SessionStoreError/Code/busy``, ``SessionStoreError/Code/noSuchSession``,
    /// ``SessionStoreError/Code/invalidName``, and ``SessionStoreError/Code/damaged`` when not even one turn is left, and no memory.
    public func salvage(folder: String) throws(SessionStoreError) -> SessionArchive {
        let inspection = try inspect(folder)
        if inspection.report.isBusy { throw .busy }
        let history = inspection.audit.history
        // A file that sessions share has a memory and no turns.
        let turns = stride(from: history.turn, through: inspection.hasMemory ? 0 : 1, by: -1)
        guard let turn = turns.first(where: { history.canRewind(to: $0) }) else {
            throw SessionStoreError(.damaged, at: "salvage", "not one complete turn can be read")
        }
        let names = inspection.report.names ?? Self.names(fromPath: folder)
        return try inspection.archive(as: names).turns(through: turn)
    }

    func inspect(_ folder: String) throws(SessionStoreError) -> SessionInspection {
        try checkPath(folder)
        var inspection = inspection(of: folder)
        do throws(SessionStoreError) {
            guard exists("\(folder)/s.db") else {
                try inspection.lookWithoutDatabase(in: "\(root)/\(folder)")
                return inspection
            }
            let files = try InspectedFiles.acquire(in: "\(root)/\(folder)", createsMissing: false)
            inspection.run(on: files)
            files.release()
        } catch {
            if error.code == .noSuchSession { throw error }
            inspection.fail(error)
        }
        return inspection
    }

    func inspection(of folder: String) -> SessionInspection {
        SessionInspection(folder) { names in
            guard !folder.hasPrefix(".quarantine/"), let agent = try? AgentName(names.agent),
                let session = SessionID(stored: names.session)
            else { return nil }
            return path(of: session, agent: agent)
        }
    }

    /// The folder that a session has or would have, below the root: for ``verify(folder:)`` and the others.
    public func path(of session: SessionID, agent: AgentName) -> String {
        String(folder(of: session, agent).dropFirst(root.count + 1))
    }

    /// Whether there is a file, a link or a folder of that name below the root.
    func exists(_ path: String) -> Bool {
        var found = stat()
        return unsafe lstat("\(root)/\(path)", &found) == 0
    }

    /// Refuses what leads out of the root.
    func checkPath(_ folder: String) throws(SessionStoreError) {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        let isInside = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
        let isSession = parts.count == 3 && (try? AgentName(String(parts[0]))) != nil
        let isAside = parts.count == 4 && parts[0] == ".quarantine"
        guard isInside, isSession || isAside else {
            throw .invalidName("a session's folder is given as agent/xx/session, below the root")
        }
    }

    private static func names(fromPath folder: String) -> SessionNames {
        let parts = folder.split(separator: "/").map(String.init)
        return parts.count == 3
            ? SessionNames(agent: parts[0], session: parts[2])
            : SessionNames(agent: parts[1], session: parts[2])
    }
}

extension SessionInspection {
    /// A lease creates the database first, so it is no lease that left a log without one, but may be a file system.
    mutating func lookWithoutDatabase(in folder: String) throws(SessionStoreError) {
        let log = folder + "/s.db-wal"
        guard unsafe access(log, F_OK) == 0 else {
            throw SessionStoreError(.noSuchSession, at: "verify", "there is no session in that folder")
        }
        let (byte, failure) = firstByte(of: log)
        if let failure { throw .system(failure, at: "verify") }
        if byte == LogScan.firstByte { noteLostDatabase() } else { noteUnwritten() }
    }

    /// Whether texts of a memory were read.
    var hasMemory: Bool {
        zip(Schema.indexes, rows).contains { table, rows in table.name == "memory" && !rows.isEmpty }
    }

    /// What was read, with the tables that follow from the log made anew.
    func archive(as names: SessionNames) -> SessionArchive {
        var rows = rows
        for (index, table) in Schema.indexes.enumerated() {
            switch table.name {
            case "requests":
                rows[index] = audit.requests.sorted { $0.value.sequence < $1.value.sequence }.map { id, request in
                    [.text(id), .integer(Int64(request.turn)), .integer(Int64(request.sequence))]
                }
            case "calls":
                rows[index] = audit.calls.sorted { $0.key < $1.key }.map { id, call in
                    [
                        .text(id), .text(call.tool), .text(call.effect), .text(call.state),
                        .integer(Int64(call.attempt)), .integer(1),
                    ]
                }
            default: break
            }
        }
        return SessionArchive(
            names: names, identity: randomIdentity(), created: 0, entries: audit.entries, origin: nil, rows: rows)
    }
}
