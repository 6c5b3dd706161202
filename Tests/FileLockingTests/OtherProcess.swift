// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// An independent second party: a Python process that opens one file and locks it through its own `fcntl` binding.
final class OtherProcess {
    private let process = Process()
    private let commands = Pipe()
    private let answers = Pipe()

    var pid: Int32 { process.processIdentifier }

    private static let script = """
        import fcntl, sys
        file = open(sys.argv[1], "r+b", buffering=0)
        for line in sys.stdin:
            kind, start, length = line.split()
            flag = {"write": fcntl.LOCK_EX, "read": fcntl.LOCK_SH, "unlock": fcntl.LOCK_UN}[kind]
            if kind != "unlock": flag |= fcntl.LOCK_NB
            try:
                fcntl.lockf(file, flag, int(length), int(start))
                print("yes", flush=True)
            except OSError:
                print("no", flush=True)
        """

    init(opening path: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, path]
        process.standardInput = commands
        process.standardOutput = answers
        try process.run()
    }

    /// Whether the other process could lock the bytes.
    func locks(_ bytes: Range<Int64>, as kind: String = "write") throws -> Bool {
        try ask(kind, bytes)
    }

    func unlocks(_ bytes: Range<Int64>) throws -> Bool {
        try ask("unlock", bytes)
    }

    private func ask(_ kind: String, _ bytes: Range<Int64>) throws -> Bool {
        try commands.fileHandleForWriting.write(contentsOf: Data("\(kind) \(bytes.lowerBound) \(bytes.count)\n".utf8))
        var line = Data()
        while let byte = try answers.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data("\n".utf8) {
            line += byte
        }
        return line == Data("yes".utf8)
    }

    deinit {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
