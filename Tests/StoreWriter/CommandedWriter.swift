// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SQLiteDriver
import SessionStore

/// A writer whose every turn is asked for by a line of its input, and that waits at a point of the turn until the next
/// line, so that a test can freeze, kill or cut off the machine just there.
///
/// ```
/// turn <number> [at=<point>] [commits=<count>] [size=<bytes>] [wait=<seconds>]
/// ```
///
/// A turn is: lease, read the log, append `count` times an input and its reply with texts of `size` bytes, release. It
/// says "leased", "ack <writer>/<number>" after each commit, "released", or "error <code> …", and at its end always "done".
/// At the point it says "held" and waits for a line; inside a commit or a checkpoint it stops itself instead (SIGSTOP).
struct CommandedWriter {
    let store: SessionStore
    let session: SessionID
    let name: String

    func serve() {
        StoreWriter.say("ready")
        while let line = readLine() {
            guard let turn = Turn(line) else {
                StoreWriter.say("unknown command")
                continue
            }
            do throws(SessionStoreError) { try run(turn) } catch { report(error) }
            FaultPlan.clear()
            StoreWriter.say("done")
        }
    }

    private func run(_ turn: Turn) throws(SessionStoreError) {
        turn.reach(.idle)
        var leased = try StoreWriter.lease(session, in: store, waiting: turn.wait)
        StoreWriter.say("leased")
        var last = try leased.entries().last?.turn ?? 0
        turn.reach(.leased)
        for number in turn.numbers {
            let request = "\(name)/\(number)"
            last += 1
            let isLast = number == turn.numbers.upperBound - 1
            if isLast { turn.armCommit() }
            do throws(SessionStoreError) {
                var entries = entries(request, turn: last, size: turn.size)
                if isLast, turn.point == .opened {
                    try leased.append([entries.removeFirst()])
                    turn.reach(.opened)
                }
                try leased.append(entries, outcome: .completed(reply: request))
            } catch {
                report(error)
                break
            }
            if isLast { turn.reach(.committed) }
            StoreWriter.say("ack \(request)")
            if isLast { turn.reach(.acknowledged) }
        }
        turn.armRelease()
        try leased.release()
        StoreWriter.say("released")
    }

    private func entries(_ request: String, turn: Int, size: Int) -> [Entry] {
        [
            Entry(turn: turn, fact: .input(request: request, text: text(request, size))),
            Entry(turn: turn, fact: .reply(ModelReply(text: text("re:" + request, size)))),
        ]
    }

    /// The word over and over, so that a reader can tell what was to be written.
    private func text(_ word: String, _ size: Int) -> String {
        String(String(repeating: word + " ", count: size / (word.count + 1) + 1).prefix(size))
    }

    private func report(_ error: SessionStoreError) {
        StoreWriter.say("error \(error.code) \(error.isRetryable ? "retryable" : "final") \(error)")
    }
}

/// Where a turn waits for the next line.
enum HoldPoint: String {
    /// Before the lease.
    case idle
    /// With the lease, before the transaction.
    case leased
    /// In the middle of a turn: its input is committed and its reply is not.
    case opened
    /// In the transaction, before anything is written.
    case transaction
    /// Between the write of the commit to the log and its sync.
    case written
    /// After the commit, before it is acknowledged.
    case committed
    /// After the acknowledgement, with the lease.
    case acknowledged
    /// In the checkpoint, before the database is written to.
    case checkpoint
    /// In the checkpoint, between the write to the database and its sync.
    case copied
    /// In the checkpoint, before the log is emptied.
    case truncate
}

/// One line of the input.
struct Turn {
    var numbers: Range<Int>
    var size = 2048
    var wait = 60
    var point: HoldPoint?

    init?(_ line: String) {
        let words = line.split(separator: " ")
        guard words.count >= 2, words[0] == "turn", let first = Int(words[1]) else { return nil }
        numbers = first..<first + 1
        for word in words.dropFirst(2) {
            let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { return nil }
            switch (pair[0], Int(pair[1])) {
            case ("at", _):
                guard let found = HoldPoint(rawValue: pair[1]) else { return nil }
                point = found
            case ("commits", let count?): numbers = first..<first + count
            case ("size", let bytes?): size = bytes
            case ("wait", let seconds?): wait = seconds
            default: return nil
            }
        }
    }

    /// Waits here if this is the point.
    func reach(_ here: HoldPoint) {
        if point == here { hold() }
    }

    /// For the points in a commit that only the file layer knows: the process stops itself there (SIGSTOP).
    func armCommit() {
        switch point {
        case .transaction: FaultPlan(.stop, at: .logWrite).set()
        case .written: FaultPlan(.stop, at: .logSync).set()
        default: break
        }
    }

    /// For the points in the checkpoint.
    func armRelease() {
        switch point {
        case .checkpoint: FaultPlan(.stop, at: .databaseWrite).set()
        // Not its sync: on NFS cutting the file, which comes before, writes its dirty pages back.
        case .copied: FaultPlan(.stop, at: .databaseTruncate).set()
        case .truncate: FaultPlan(.stop, at: .logTruncate).set()
        default: break
        }
    }
}

private func hold() {
    StoreWriter.say("held")
    _ = readLine()
}
