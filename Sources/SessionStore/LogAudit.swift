// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SQLiteDriver

/// Reads a log row by row, and knows what the tables beside it have to say.
///
/// The rules are those of LeasedSession's `index`, told from the log alone.
struct LogAudit {
    /// Where a request's first entry is.
    struct Request: Hashable {
        let turn: Int
        let sequence: Int
    }

    /// A claimed call.
    struct Call: Hashable {
        let tool: String
        let effect: String
        var state: String
        var attempt: Int
    }

    /// The entries up to the first one that is unreadable or cannot follow.
    private(set) var entries: [StoredEntry] = []
    /// Whether these are all.
    private(set) var isWhole = true
    private(set) var requests: [String: Request] = [:]
    private(set) var calls: [String: Call] = [:]
    private(set) var history = History()
    private var last = 0

    /// Adds a row; the ones behind a break are only looked at one by one.
    mutating func add(_ row: StoredEntry.Row, to report: inout SessionReport) {
        report.entries += 1
        report.turns = max(report.turns, Int(clamping: row.turn))
        if row.sequence != last + 1 {
            report.add(.brokenOrder, "entry \(row.sequence) follows entry \(last): rows between them are gone")
            isWhole = false
        }
        last = Int(clamping: row.sequence)
        let stored: StoredEntry
        do throws(SessionStoreError) {
            stored = try StoredEntry(row)
        } catch {
            report.add(.unreadableEntry, error.detail)
            isWhole = false
            return
        }
        guard isWhole else { return }
        do throws(LoopError) {
            try history.apply(stored.entry)
        } catch {
            report.add(.brokenOrder, "entry \(stored.sequence) cannot follow those before it: \(error.detail)")
            isWhole = false
            return
        }
        entries.append(stored)
        index(stored, in: &report)
    }

    /// Notes that the rest cannot be read.
    mutating func breakOff() { isWhole = false }

    private mutating func index(_ stored: StoredEntry, in report: inout SessionReport) {
        switch stored.entry.fact {
        case .input(let request, _):
            if requests[request] != nil {
                report.add(.requests, "the input of entry \(stored.sequence) has the id of an earlier request")
            }
            note(request, stored)
        case .decision(let request, _), .attempt(.released(let request)), .cancel(let request, _),
            .signal(let request, _, _):
            note(request, stored)
        case .claim(let position, let tool, let effect, let attempt):
            calls[position.description] = Call(tool: tool, effect: effect.rawValue, state: "claimed", attempt: attempt)
        case .result(let position, let result):
            guard calls[position.description]?.state == "claimed" else { return }
            calls[position.description]?.state = result.status == .unknown ? "unknown" : "settled"
        case .rewind:
            for (position, call) in calls where call.state == "claimed" { calls[position]?.state = "unknown" }
        case .reply, .approvalRequest, .step, .refusal, .checkpoint, .attempt, .pause, .park, .schedule,
            .compaction:
            break
        }
    }

    private mutating func note(_ request: String, _ stored: StoredEntry) {
        if requests[request] == nil {
            requests[request] = Request(turn: stored.entry.turn, sequence: stored.sequence)
        }
    }

    // MARK: - The tables beside the log

    /// Compares the table of requests with the log. Their ids come from callers, and are not named.
    func compare(_ found: [String: Request], in report: inout SessionReport) {
        for (id, request) in requests.sorted(by: { $0.value.sequence < $1.value.sequence }) {
            switch found[id] {
            case request: continue
            case nil: report.add(.requests, "the request of entry \(request.sequence) is not in the table of requests")
            case let other?:
                report.add(
                    .requests,
                    "the request of entry \(request.sequence), turn \(request.turn), is noted as that of entry "
                        + "\(other.sequence), turn \(other.turn)")
            }
        }
        // What lies behind a break cannot be compared.
        guard isWhole else { return }
        for (id, request) in found.sorted(by: { $0.value.sequence < $1.value.sequence }) where requests[id] == nil {
            report.add(
                .requests,
                "a request is noted for entry \(request.sequence), which is neither its input nor its decision")
        }
    }

    /// Compares the table of calls with the log.
    func compare(_ found: [String: Call], in report: inout SessionReport) {
        guard isWhole else { return }
        for position in Set(calls.keys).union(found.keys).sorted() {
            switch (calls[position], found[position]) {
            case (let claimed, let noted) where claimed == noted: continue
            case (_?, nil): report.add(.calls, "the call \(position) was claimed, and is not in the table of calls")
            case (nil, _): report.add(.calls, "the call \(position) is in the table of calls, and was never claimed")
            case (let claimed?, let noted?):
                report.add(
                    .calls,
                    "the call \(position) is noted as \(noted.state), attempt \(noted.attempt); the log says "
                        + "\(claimed.state), attempt \(claimed.attempt)"
                        + (claimed.tool == noted.tool && claimed.effect == noted.effect ? "" : ", of another tool"))
            }
        }
    }
}
