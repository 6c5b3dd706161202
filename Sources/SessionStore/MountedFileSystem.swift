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
struct MountedFileSystem: Equatable {
    /// Where it is mounted.
    let mountPoint: String
    /// Its type, such as `nfs4` or `ext4`.
    let type: String
    /// Its own options: `vers=4.1`, `hard`, `local_lock=none` and so on.
    let options: [String]

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
    var isNFS: Bool { type == "nfs" || type == "nfs4" }

    /// Why sessions are not safe on it, and what to do about it; nil when they are.
    /// - Parameter recoversLostLocks: The kernel's parameter `nfs.recover_lost_locks`.
    func objection(recoversLostLocks: Bool) -> String? {
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
    /// Why sessions are not safe in a folder of this machine; nil also where the kernel has no such tables.
    static func objection(to path: String) -> String? {
        guard let table = contents(of: "/proc/self/mountinfo"), let mounted = Self(of: path, in: table) else {
            return nil
        }
        let parameter = contents(of: "/sys/module/nfs/parameters/recover_lost_locks")
        return mounted.objection(recoversLostLocks: parameter?.hasPrefix("Y") == true)
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
