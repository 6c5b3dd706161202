// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// What the kernel knows of this process's hold on some files.
enum ProcessState {
    static let isReadable = FileManager.default.fileExists(atPath: "/proc/locks")

    /// SQLite's lock bytes, and the byte of the log, as the design fixes them for every version of this library.
    static let databaseBytes: Range<Int64> = 0x4000_0000..<0x4000_0200
    static let logBytes: Range<Int64> = 0x100_0000_0000..<0x100_0000_0001

    /// The byte ranges of a file that this process has locked for writing.
    static func locks(on path: String) throws -> [Range<Int64>] {
        var found = stat()
        guard stat(path, &found) == 0 else { return [] }
        let lines = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
        return lines.compactMap { line in
            // 1: POSIX  ADVISORY  WRITE 2457 fe:00:5415173 1073741824 1073742335
            let fields = line.split(separator: " ")
            guard fields.count >= 8, fields[1] == "POSIX", fields[3] == "WRITE", fields[4] == "\(getpid())",
                fields[5].hasSuffix(":\(found.st_ino)"), let first = Int64(fields[6]), let last = Int64(fields[7])
            else { return nil }
            return first..<last + 1
        }
    }

    /// The open files of this process below a folder.
    static func descriptors(below folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target.flatMap { $0.hasPrefix(folder + "/") ? $0 : nil }
        }
    }

    /// Whether another process can lock these bytes now.
    static func isFree(_ path: String, _ bytes: Range<Int64>) throws -> Bool {
        let script = """
            import fcntl, sys
            fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[2]), int(sys.argv[3]))
            """
        return try shell("python3", "-c", script, path, "\(bytes.count)", "\(bytes.lowerBound)").code == 0
    }

    /// Whether another process finds a session unlocked.
    static func isFree(session folder: String) throws -> Bool {
        try isFree(folder + "/s.db", databaseBytes) && isFree(folder + "/s.db-wal", logBytes)
    }
}
