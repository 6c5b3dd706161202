// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// Another process with a pipe on both ends, killed with the value.
final class Child {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()

    var pid: Int32 { process.processIdentifier }

    /// The test executable `StoreWriter`, which stands beside this one.
    static var writerPath: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("StoreWriter").path
        }
    }

    /// Starts `StoreWriter`, with a fault plan in its words if there is one.
    static func writer(_ arguments: String..., fault: String? = nil) throws -> Child {
        try Child(writerPath, arguments, environment: fault.map { ["PERDURE_FAULT": $0] })
    }

    /// A process that holds a POSIX lock on some bytes until its input ends; it says "locked" once it does.
    static func locking(_ path: String, _ bytes: Range<Int64>) throws -> Child {
        let script = """
            import fcntl, sys
            file = open(sys.argv[1], "r+b")
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[2]), int(sys.argv[3]))
            print("locked", flush=True)
            sys.stdin.read()
            """
        return try Child("/usr/bin/env", ["python3", "-c", script, path, "\(bytes.count)", "\(bytes.lowerBound)"])
    }

    /// The stock shell after some statements, until its input ends.
    static func sqlite3(_ database: String, _ sql: String) throws -> Child {
        let child = try Child("/usr/bin/env", ["sqlite3", database])
        try child.input.fileHandleForWriting.write(contentsOf: Data("\(sql)\n".utf8))
        return child
    }

    private init(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws {
        if let environment {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line of its output; nil at the end.
    func line() throws -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread = unread[(end + 1)...]
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            unread += more
        }
    }

    /// All lines to the end of its output.
    func lines() throws -> [String] {
        var lines: [String] = []
        while let line = try line() { lines.append(line) }
        return lines
    }

    /// Writes a line to its input.
    func say(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }

    func endInput() throws { try input.fileHandleForWriting.close() }

    var isRunning: Bool { process.isRunning }

    /// Whether it was stopped by a signal.
    var isStopped: Bool {
        get throws {
            // "pid (comm) state …"
            let status = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            return status.split(separator: ")").last?.split(separator: " ").first == "T"
        }
    }

    func goOn() { Foundation.kill(pid, SIGCONT) }

    func kill() { Foundation.kill(pid, SIGKILL) }

    /// Waits for its end and returns its exit code, or the signal that ended it.
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit {
        try? endInput()
        if process.isRunning { kill() }
        process.waitUntilExit()
    }
}
