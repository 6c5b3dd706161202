// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking
import JSONCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A damaged session that was moved aside.
public struct QuarantinedSession: Sendable {
    /// Where its folder is now, below the root: `.quarantine/<agent>/<session>-<n>/session`. `report.json` is beside it.
    public let folder: String
    /// What was found in it.
    public let report: SessionReport
}

extension SessionStore {
    /// Moves a damaged session aside, so that the next lease creates a new one in its place: see ``quarantine(folder:)``.
    public func quarantine(
        _ session: SessionID,
        of agent: AgentName
    ) throws(SessionStoreError) -> QuarantinedSession {
        try quarantine(folder: path(of: session, agent: agent))
    }

    /// Moves the folder of a damaged session aside, so that the next lease creates a new one in its place. Nothing is
    /// deleted, and no file of the session is changed.
    ///
    /// ```
    /// <root>/.quarantine/<agent>/<session>-<n>/report.json    what was found, when, and how to go on
    ///                                         /session        the session's folder
    /// ```
    ///
    /// Nothing calls this by itself, and a lease of a damaged session throws. What looks like damaged files may be a
    /// mount, a server or a machine that is broken: then they are whole again tomorrow, and sessions that had begun
    /// anew meanwhile would have forgotten everything, and would do again what was done. Somebody has to look.
    ///
    /// The session is verified again under its locks, which are held until it has moved. The report is durable before the
    /// folder is renamed, which is the last step; a crash before it leaves a report of something that did not happen.
    /// Blocks for the verification, one rename (slow on file systems that keep objects) and six syncs. Over NFS other
    /// machines may use the moved files for as long as they believe what they know of the folder (`acdirmax`, 60 s).
    ///
    /// Throws ``SessionStoreError/Code/notDamaged`` when no finding is damage, ``SessionStoreError/Code/busy``,
    /// ``SessionStoreError/Code/noSuchSession``, ``SessionStoreError/Code/invalidName``, and the errors of the file system.
    /// - Parameter folder: One of the ``folders()``.
    public func quarantine(folder: String) throws(SessionStoreError) -> QuarantinedSession {
        try checkPath(folder)
        guard !folder.hasPrefix(".quarantine/") else {
            throw .invalidName("the session has been moved aside already")
        }
        guard exists("\(folder)/s.db") || exists("\(folder)/s.db-wal") else {
            throw SessionStoreError(.noSuchSession, at: "quarantine", "there is no session in that folder")
        }
        let files: InspectedFiles
        do throws(SessionStoreError) {
            // A database or a log that is missing has to be there to be locked: somebody may be about to create it.
            files = try InspectedFiles.acquire(in: "\(root)/\(folder)", createsMissing: true)
        } catch {
            // What is no file cannot be locked, and cannot be leased either.
            guard error.code == .foreignFile else { throw error }
            var inspection = inspection(of: folder)
            inspection.fail(error)
            return try moveAside(inspection.report)
        }
        var inspection = inspection(of: folder)
        inspection.run(on: files)
        let moved: QuarantinedSession
        do throws(SessionStoreError) {
            moved = try moveAside(inspection.report)
        } catch {
            files.release()
            throw error
        }
        files.release()
        return moved
    }

    private func moveAside(_ report: SessionReport) throws(SessionStoreError) -> QuarantinedSession {
        if report.isBusy { throw .busy }
        guard report.isDamaged else {
            throw SessionStoreError(
                .notDamaged, at: "quarantine",
                report.findings.isEmpty
                    ? "nothing is wrong with the session"
                    : "nothing of what was found is damage (\(report.findings.map(\.kind.description).joined(separator: ", ")))"
            )
        }
        let parts = report.folder.split(separator: "/").map(String.init)
        let aside = try makeFolder(below: ".quarantine/\(parts[0])", named: parts[2])
        let target = "\(aside)/session"
        do throws(SessionStoreError) {
            try create(json(report, movedTo: target).bytes(.pretty), as: "\(root)/\(aside)/report.json")
            try check(syncFolder("\(root)/\(aside)"))
            guard unsafe rename("\(root)/\(report.folder)", "\(root)/\(target)") == 0 else {
                throw .system(errno, at: "quarantine")
            }
        } catch {
            unsafe unlink("\(root)/\(aside)/report.json")
            unsafe rmdir("\(root)/\(aside)")
            throw error
        }
        try check(syncFolder("\(root)/\(aside)"))
        try check(syncFolder("\(root)/\(parts[0])/\(parts[1])"))
        return QuarantinedSession(folder: target, report: report)
    }

    /// A folder that nobody else has, with the lowest number that is free.
    private func makeFolder(below parent: String, named name: String) throws(SessionStoreError) -> String {
        try check(createFolders("\(root)/\(parent)"))
        var number = 1
        while true {
            let path = "\(parent)/\(name)-\(number)"
            if unsafe mkdir("\(root)/\(path)", 0o700) == 0 {
                try check(syncFolder("\(root)/\(parent)"))
                return path
            }
            guard errno == EEXIST else { throw .system(errno, at: "quarantine") }
            number += 1
        }
    }

    /// Creates a file for the owner only, and makes its bytes durable.
    private func create(_ bytes: [UInt8], as path: String) throws(SessionStoreError) {
        let file = try locking { () throws(FileLockError) in try OpenFile(path: path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(file.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(errno, at: "quarantine") }
            rest = rest.dropFirst(count)
        }
        guard fsync(file.descriptor) == 0 else { throw .system(errno, at: "quarantine") }
        do throws(FileLockError) { try file.close() } catch { throw SessionStoreError(error) }
    }

    private func check(_ failure: Int32?) throws(SessionStoreError) {
        if let failure { throw .system(failure, at: "quarantine") }
    }

    private func json(_ report: SessionReport, movedTo target: String) -> JSONValue {
        [
            "perdure": "quarantine", "version": 1, "from": .init(report.folder), "to": .init(target),
            "agent": report.names.map { .init($0.agent) } ?? .null,
            "session": report.names.map { .init($0.session) } ?? .null,
            "time": .init(timestamp(now())), "entries": .init(report.entries), "turns": .init(report.turns),
            "bytes": .init(Int(report.bytes)),
            "findings": .array(
                report.findings.map { ["kind": .init($0.kind.description), "detail": .init($0.detail)] }),
            "next": [
                "restore: stop the function, put both files of a backup into the folder named by 'from', verify",
                "go on with what is readable: perdure export --salvage FOLDER | perdure import - (a new identity)",
                "go on with what sqlite3 recovers, if its shell can: sqlite3 session/s.db .recover | sqlite3 s.db",
                "undo: while nobody uses the session, move the folder named by 'to' back to 'from'",
            ],
        ]
    }
}

/// Milliseconds since 1970 as ISO 8601, in UTC.
private func timestamp(_ milliseconds: Int64) -> String {
    var second = time_t(milliseconds / 1000)
    var parts = tm()
    unsafe gmtime_r(&second, &parts)
    let digits = { (number: Int32, count: Int) in
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = [digits(parts.tm_year + 1900, 4), digits(parts.tm_mon + 1, 2), digits(parts.tm_mday, 2)]
    let time = [digits(parts.tm_hour, 2), digits(parts.tm_min, 2), digits(parts.tm_sec, 2)]
    return "\(date.joined(separator: "-"))T\(time.joined(separator: ":"))Z"
}
