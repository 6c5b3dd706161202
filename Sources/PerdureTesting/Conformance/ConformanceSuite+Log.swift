// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Perdure

extension ConformanceSuite {
    static let log = [
        ConformanceCheck("entries are read as they were written, by the next lease too") { trial in
            let call = CallPosition(reply: 1, index: 0)
            let reply = ModelReply(
                text: String(repeating: "é", count: 300_000),
                toolCalls: [ToolCall(id: "a", name: "tool", arguments: #"{"n": 1.0}"#)],
                usage: TokenUsage(input: 1, output: 2, cachedInput: 3))
            let verdict = Verdict(position: call, isApproved: true, reason: "because")
            let entries = [
                Entry(turn: 1, fact: .input(request: "request\u{0} 1", text: "a\u{0}b \"👩‍👩‍👧\" \\ \u{1F} e\u{301}")),
                Entry(turn: 1, fact: .reply(reply)),
                Entry(turn: 1, fact: .approvalRequest(call, reason: "reason")),
                Entry(turn: 1, fact: .decision(request: "request 2", verdict)),
                Entry(turn: 1, fact: .claim(call, tool: "tool", effect: .once, attempt: 1)),
                Entry(turn: 1, fact: .result(call, ToolResult(status: .failed, content: ""))),
                Entry(turn: 1, fact: .refusal(reason: "too long")),
                Entry(turn: 1, fact: .checkpoint(label: "label")),
                Entry(turn: 2, fact: .rewind(toTurn: 0)),
            ]
            let lease = try await trial.lease()
            try trial.expect(try await lease.log().isEmpty, "a new session is not empty")
            try await lease.append(Array(entries[..<2]))
            try await lease.append(Array(entries[2...]))
            try trial.expect(try await lease.log() == entries, "the lease that wrote reads something else")
            try await lease.release()
            try trial.expect(try await trial.log() == entries, "the next lease reads something else")
        },
        ConformanceCheck("the tail is the newest entries, oldest first") { trial in
            let lease = try await trial.lease()
            for number in 1...5 { try await lease.append(turn(number)) }
            let all = (1...5).flatMap { turn($0) }
            for count in [0, 1, 3, 10, 11, Int.max] {
                let tail = try await lease.tail(count)
                try trial.expect(tail.map(\.entry) == Array(all.suffix(count)), "the tail of \(count) is another one")
                try trial.expect(isAscending(tail.map(\.sequence)), "the sequence numbers of the tail do not ascend")
            }
            try await lease.release()
        },
        ConformanceCheck("pages follow each other without gaps") { trial in
            let lease = try await trial.lease()
            for number in 1...5 { try await lease.append(turn(number)) }
            for limit in [1, 3, 10, 11] {
                var found: [(sequence: Int, entry: Entry)] = []
                for _ in 0...10 {
                    let page = try await lease.entries(after: found.last?.sequence ?? 0, limit: limit)
                    try trial.expect(page.count <= limit, "a page of \(limit) has \(page.count) entries")
                    if page.isEmpty { break }
                    found += page
                }
                try trial.expect(
                    found.map(\.entry) == (1...5).flatMap { turn($0) }, "pages of \(limit) are not the log")
                try trial.expect(
                    isAscending(found.map(\.sequence)) && found[0].sequence > 0, "sequence numbers do not ascend from 1"
                )
            }
            try await lease.release()
        },
        ConformanceCheck("a commit is kept whole or not at all") { trial in
            try await trial.append(turn(1))
            let lease = try await trial.lease()
            await attempt { try await lease.append(turn(2) + turn(3, request: "request 1")) }
            await attempt { try await lease.release() }
            try trial.expect(try await trial.log() == turn(1), "a commit that should be refused is there in part")
            let found = try await trial.request("request 2")
            try trial.expect(found == nil, "a request of a refused commit is known")
        },
        ConformanceCheck("a commit without entries is refused") { trial in
            let lease = try await trial.lease()
            try await trial.expect(.emptyCommit, for: "a commit without entries") {
                try await lease.append([], outcome: .completed(reply: "reply"))
            }
            try await lease.release()
        },
    ]

    private static func isAscending(_ numbers: [Int]) -> Bool {
        zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// For what may fail here, and is judged by what it leaves.
    static func attempt(_ body: () async throws -> Void) async {
        do { try await body() } catch {}
    }
}
