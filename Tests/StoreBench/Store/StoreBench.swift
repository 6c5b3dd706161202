// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import AgentCore
import SessionStore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// This package's side of the comparison that `Tests/StoreBench/run` makes; `peers.py` is the other stores' side and
/// takes the same words. It prints one JSON object. Of several turns the first is not between the marks for strace.
///
/// ```
/// StoreBench build  <root> <count>              <count> messages, two in a commit, without leaving the lease
/// StoreBench turns  <root> <writer> <count> [<gate>]   a lease for each turn, a commit for each of its two messages
/// StoreBench joined <root> <writer> <count>     the same with both messages in one commit
/// StoreBench resume <root> <count>              what a new process does until it has the newest <count> entries; 0: all
/// StoreBench kept   <root>                      who wrote which message, in the order of the log
/// StoreBench steps  <root> <count>              <count> commits of one message in one lease
/// StoreBench floor  <root> <count>              <count> times 8 KiB at the end of a file, each followed by fdatasync
/// ```
@main
struct StoreBench {
    static func main() {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            guard arguments.count >= 2 else { throw UsageError() }
            print(try run(arguments[0], root: arguments[1], Array(arguments.dropFirst(2))))
        } catch {
            let text = Array("StoreBench: \(error)\n".utf8)
            _ = unsafe write(2, text, text.count)
            exit(1)
        }
    }

    struct UsageError: Error {}

    private static func run(_ command: String, root: String, _ rest: [String]) throws -> String {
        switch (command, rest.count) {
        case ("build", 1): try build(root, try number(rest[0]))
        case ("turns", 2...3):
            try turns(root, rest[0], try number(rest[1]), joined: false, gate: rest.count == 3 ? rest[2] : nil)
        case ("joined", 2): try turns(root, rest[0], try number(rest[1]), joined: true, gate: nil)
        case ("resume", 1): try resume(root, try number(rest[0]))
        case ("kept", 0): try kept(root)
        case ("steps", 1): try steps(root, try number(rest[0]))
        case ("floor", 1): try floor(root, try number(rest[0]))
        default: throw UsageError()
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else { throw UsageError() }
        return number
    }

    // MARK: - Commands

    private static func build(_ root: String, _ count: Int) throws -> String {
        var session = try lease(in: SessionStore(root: root))
        for turn in 0..<count / 2 {
            try session.append(
                [input("build", turn, turn: turn + 1), reply("build", turn, turn: turn + 1)],
                outcome: .completed(reply: text("build", turn)))
        }
        try session.release()
        return #"{"messages": \#(count / 2 * 2)}"#
    }

    /// - Parameter gate: A file that has to exist before the first turn begins, so that two processes begin together; the
    ///   model then takes its time.
    private static func turns(
        _ root: String, _ writer: String, _ count: Int, joined: Bool, gate: String?
    ) throws -> String {
        let store = try SessionStore(root: root)
        // So that both of two processes have come as far before they begin.
        try lease(in: store).release()
        if let gate {
            print("ready")
            fflush(nil)
            while unsafe access(gate, F_OK) != 0 { usleep(1000) }
        }
        var times: [Int64] = []
        for number in 0..<count {
            // The first turn is not counted: it may be the first of a new log, and loads code.
            if number == 1 { mark("begin", root) }
            let start = ContinuousClock.now
            var session = try lease(in: store)
            let turn = (try session.tail(newest).last?.entry.turn ?? 0) + 1
            let outcome = Outcome.completed(reply: text(writer, number))
            let (input, reply) = (input(writer, number, turn: turn), reply(writer, number, turn: turn))
            if joined {
                try session.append([input, reply], outcome: outcome)
            } else {
                try session.append([input])
                if gate != nil { usleep(modelTime) }
                try session.append([reply], outcome: outcome)
            }
            try session.release()
            times.append(nanoseconds(since: start))
        }
        mark("end", root)
        return #"{"nanoseconds": \#(times), "errors": 0, "kinds": []}"#
    }

    private static func resume(_ root: String, _ count: Int) throws -> String {
        mark("begin", root)
        let start = ContinuousClock.now
        let session = try lease(in: SessionStore(root: root))
        let found = count == 0 ? try session.entries().count : try session.tail(count).count
        let time = nanoseconds(since: start)
        mark("end", root)
        try session.release()
        return #"{"nanoseconds": \#(time), "messages": \#(found)}"#
    }

    private static func kept(_ root: String) throws -> String {
        let session = try lease(in: SessionStore(root: root))
        let words = try session.entries().compactMap { entry -> String? in
            let text =
                switch entry.fact {
                case .input(_, let text): text
                case .reply(let reply): reply.text
                default: ""
                }
            return text.split(separator: " ").first.map { "\"\($0)\"" }
        }
        try session.release()
        return #"{"messages": [\#(words.joined(separator: ", "))]}"#
    }

    private static func steps(_ root: String, _ count: Int) throws -> String {
        var session = try lease(in: SessionStore(root: root))
        let turn = (try session.tail(1).last?.entry.turn ?? 0) + 1
        try session.append([input("steps", turn, turn: turn)])
        let start = ContinuousClock.now
        for number in 0..<count { try session.append([reply("steps", number, turn: turn)]) }
        let time = nanoseconds(since: start)
        try session.release()
        return #"{"nanoseconds": \#(time)}"#
    }

    private static func floor(_ root: String, _ count: Int) throws -> String {
        let path = root + "/floor"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw UsageError() }
        let block = [UInt8](repeating: 0x5A, count: 8192)
        let start = ContinuousClock.now
        for number in 0..<count {
            let written = unsafe block.withUnsafeBytes {
                unsafe pwrite(file, $0.baseAddress, $0.count, off_t(number * $0.count))
            }
            guard written == block.count, fdatasync(file) == 0 else { throw UsageError() }
        }
        let time = nanoseconds(since: start)
        close(file)
        unsafe unlink(path)
        return #"{"nanoseconds": \#(time)}"#
    }

    // MARK: - What the commands share

    /// How many entries a turn reads.
    private static let newest = 20
    /// How long the model is thought to take between two messages, in microseconds.
    private static let modelTime: UInt32 = 5000

    private static func lease(in store: SessionStore) throws -> LeasedSession {
        try store.lease(
            SessionID("bench"), of: AgentName("agent"), attempt: "bench", until: .now.advanced(by: .seconds(60)))
    }

    private static func input(_ writer: String, _ number: Int, turn: Int) -> Entry {
        Entry(turn: turn, fact: .input(request: "\(writer)/\(number)", text: text(writer, number)))
    }

    private static func reply(_ writer: String, _ number: Int, turn: Int) -> Entry {
        Entry(turn: turn, fact: .reply(ModelReply(text: text(writer, number))))
    }

    /// 2,048 bytes that say whose they are.
    private static func text(_ writer: String, _ number: Int) -> String {
        let word = "\(writer)/\(number) "
        return String(String(repeating: word, count: 2048 / word.utf8.count + 1).prefix(2048))
    }

    private static func nanoseconds(since start: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// A system call that `strace` shows, and that does nothing.
    private static func mark(_ name: String, _ root: String) { _ = unsafe access("\(root)/.\(name)", F_OK) }
}
