// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import Perdure

/// What a verification of many sessions came to, for people and for programs.
struct VerifySummary: CustomStringConvertible {
    let root: String
    let reports: [SessionReport]
    /// Which sessions were moved aside, by folder, or why not.
    let moved: [String: Result<QuarantinedSession, SessionStoreError>]

    private var sound: Int { reports.count(where: \.isSound) }
    private var busy: Int { reports.count(where: \.isBusy) }

    var description: String {
        if reports.isEmpty { return "no sessions" }
        var text = ""
        if sound < reports.count {
            var table = Table(["FOLDER", "FINDING", "WHAT"])
            for report in reports {
                let folder = report.folder.printableLine
                for finding in report.findings {
                    table.add([folder, finding.kind.description, finding.detail.printableLine])
                }
                if report.isBusy { table.add([folder, "busy", "skipped: somebody holds the session"]) }
                switch moved[report.folder] {
                case .success(let aside): table.add([folder, "quarantined", "moved to \(aside.folder)".printableLine])
                case .failure(let error): table.add([folder, "not quarantined", "\(error)".printableLine])
                case nil: break
                }
            }
            text = "\(table)\n\n"
        }
        let entries = reports.reduce(0) { $0 + $1.entries }
        let bytes = reports.reduce(0) { $0 + $1.bytes }
        return text + "\(reports.count) sessions, \(entries) entries, \(bytes) bytes: \(sound) sound, "
            + "\(reports.count - sound - busy) with findings, \(busy) skipped"
    }

    var json: JSONValue {
        let sessions = reports.map { report -> JSONValue in
            var json = report.json
            switch moved[report.folder] {
            case .success(let aside): json["quarantined"] = .init(aside.folder)
            case .failure(let error): json["error"] = .init("\(error)")
            case nil: break
            }
            return .object(json)
        }
        return [
            "root": .init(root), "sessions": .array(sessions), "sound": .init(sound),
            "findings": .init(reports.count - sound - busy), "busy": .init(busy),
        ]
    }
}

extension SessionReport {
    var json: JSONObject {
        [
            "folder": .init(folder), "agent": names.map { .init($0.agent) } ?? .null,
            "session": names.map { .init($0.session) } ?? .null,
            "status": isBusy ? "busy" : isSound ? "sound" : isDamaged ? "damaged" : "findings",
            "turns": .init(turns), "entries": .init(entries), "messages": .init(messages), "bytes": .init(Int(bytes)),
            "findings": .array(
                findings.map {
                    [
                        "kind": .init($0.kind.description), "damage": .bool($0.kind.isDamage),
                        "detail": .init($0.detail),
                    ]
                }),
        ]
    }
}

/// How far the verification is, on standard error: always on a terminal, and elsewhere when it takes long.
actor VerifyProgress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var done = 0
    private var found = 0
    private var said = ContinuousClock.now
    private var hasLine = false

    func add(_ report: SessionReport, of count: Int) {
        done += 1
        if !report.findings.isEmpty { found += 1 }
        guard said.duration(to: .now) > (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
        said = .now
        let text = "verified \(done) of \(count) sessions, \(found) with findings"
        say(isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n")
        hasLine = isTerminal
    }

    /// Takes the line away.
    func clear() {
        if hasLine { say("\r\u{1B}[K") }
        hasLine = false
    }
}
