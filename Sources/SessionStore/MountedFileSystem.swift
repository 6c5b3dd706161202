// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file system that a folder is on, as the kernel describes it.
public struct MountedFileSystem: Sendable, Equatable {
    /// Where it is mounted.
    public let mountPoint: String
    /// Its type, such as `nfs4` or `ext4`.
    public let type: String
    /// Its own options: `vers=4.1`, `hard`, `local_lock=none` and so on.
    public let options: [String]
    /// How long a server of NFSv4 keeps the locks of a client that it does not hear of: so long a session stays busy after
    /// the sandbox that held it was destroyed. Nil for other file systems, and where the kernel does not say.
    public internal(set) var leaseTime: Duration?
    var recoversLostLocks = false

    /// Finds the file system of a folder.
    /// - Parameters:
    ///   - path: Absolute, without symbolic links.
    ///   - table: The text of `/proc/self/mountinfo`.
    init?(of path: String, in table: String) {
        // A mount hides what was mounted at the same place before, and comes after it.
        var found: MountedFileSystem?
        for line in table.split(separator: "\n") {
            guard let mounted = MountedFileSystem(line: line), mounted.holds(path) else { continue }
            if mounted.mountPoint.utf8.count >= found?.mountPoint.utf8.count ?? 0 { found = mounted }
        }
        guard let found else { return nil }
        self = found
    }

    /// `id parent device root mountpoint options [fields] - type source options`, see proc_pid_mountinfo(5).
    private init?(line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 4, let dash = fields.firstIndex(of: "-"), fields.count > dash + 3 else { return nil }
        mountPoint = withoutEscapes(fields[4])
        type = String(fields[dash + 1])
        options = fields[dash + 3].split(separator: ",").map(String.init)
    }

    private func holds(_ path: String) -> Bool {
        mountPoint == "/" || path == mountPoint || path.hasPrefix(mountPoint + "/")
    }

    /// Whether it is NFS, EFS included.
    public var isNFS: Bool { type == "nfs" || type == "nfs4" }

    /// Why sessions are not safe on it, and what to do about it; nil when they are.
    var objection: String? {
        guard isNFS else { return nil }
        for option in options {
            switch option {
            case "nolock", "local_lock=all", "local_lock=posix":
                return "\(mountPoint) is mounted with \(option): locks do not reach the server, and two sandboxes "
                    + "would write to one session; mount it without that option"
            case "soft", "softerr":
                return "\(mountPoint) is mounted with \(option): a write that times out is lost without a retry; "
                    + "mount it with hard"
            default:
                continue
            }
        }
        guard !recoversLostLocks else {
            return "the kernel takes back NFS locks that it has lost (nfs.recover_lost_locks=Y), and would let a "
                + "sandbox write that was replaced meanwhile; set it to N"
        }
        return nil
    }
}

extension MountedFileSystem {
    /// The file system of a folder of this machine; nil where the kernel has no such tables.
    init?(of path: String) {
        guard let table = contents(of: "/proc/self/mountinfo") else { return nil }
        self.init(of: path, in: table)
        guard isNFS else { return }
        recoversLostLocks = contents(of: "/sys/module/nfs/parameters/recover_lost_locks")?.hasPrefix("Y") == true
        leaseTime = contents(of: "/proc/self/mountstats").flatMap { Self.leaseTime(at: mountPoint, in: $0) }
    }

    /// `lease_time=90` in the lines behind `device … mounted on <mountPoint> with fstype nfs4 …`.
    /// - Parameter statistics: The text of `/proc/self/mountstats`.
    static func leaseTime(at mountPoint: String, in statistics: String) -> Duration? {
        var isHere = false
        var found: Duration?
        for line in statistics.split(separator: "\n") {
            if line.hasPrefix("device ") {
                let words = line.split(separator: " ")
                isHere = words.count > 4 && withoutEscapes(words[4]) == mountPoint
            } else if isHere {
                let value = line.split { $0 == "," || $0 == "\t" }.first { $0.hasPrefix("lease_time=") }?.dropFirst(11)
                if let seconds = value.flatMap({ Int($0) }) { found = .seconds(seconds) }
            }
        }
        return found
    }
}

/// The text of one of the kernel's files; nil when it cannot be read.
private func contents(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        let count = unsafe read(descriptor, &piece, piece.count)
        if count > 0 {
            text += piece[..<count]
        } else if count == 0 {
            return String(decoding: text, as: UTF8.self)
        } else if errno != EINTR {
            return nil
        }
    }
}

/// The kernel writes white space and backslashes as three octal digits.
private func withoutEscapes(_ field: Substring) -> String {
    guard field.contains("\\") else { return String(field) }
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
        let code = String(decoding: rest.prefix(3), as: UTF8.self)
        if byte == UInt8(ascii: "\\"), code.utf8.count == 3, let value = UInt8(code, radix: 8) {
            bytes.append(value)
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
